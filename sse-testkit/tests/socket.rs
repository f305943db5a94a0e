//! Over real sockets: HTTP/1.1 and HTTP/2, in real time.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]
#![cfg(feature = "socket")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use sse_testkit::{Reconnect, connect};
use tokio::net::TcpListener;
use tokio::sync::Notify;

struct Server {
    address: SocketAddr,
    /// Told when a stream was dropped.
    gone: Arc<Notify>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let gone = Arc::new(Notify::new());
        let server = Self {
            address,
            gone: Arc::clone(&gone),
        };
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let gone = Arc::clone(&gone);
                tokio::spawn(async move {
                    let service = hyper::service::service_fn(move |request| {
                        answer(request, Arc::clone(&gone))
                    });
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(tcp), service)
                        .await;
                });
            }
        });
        server
    }

    fn url(&self) -> String {
        format!("http://{}/events?x=1", self.address)
    }
}

struct Gone(Arc<Notify>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// The opening, the request as an event, a heartbeat; then silence.
async fn answer(
    request: Request<Incoming>,
    gone: Arc<Notify>,
) -> Result<
    Response<StreamBody<impl futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>>>>,
    Infallible,
> {
    let id = request
        .headers()
        .get("last-event-id")
        .map_or("", |id| id.to_str().unwrap());
    let text = format!(
        "retry: 20\n\nid: {id}1\ndata: {:?} {} {id}\n\n",
        request.version(),
        request.uri().path_and_query().unwrap()
    );
    let body = stream::unfold((0, Gone(gone)), move |(n, gone)| {
        let text = text.clone();
        async move {
            let text = match n {
                0 => Bytes::from(text),
                1 => {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    Bytes::from(":\n\n")
                }
                _ => std::future::pending().await,
            };
            Some((Ok(Frame::data(text)), (n + 1, gone)))
        }
    });
    let response = Response::builder().header("content-type", "text/event-stream");
    Ok(response.body(StreamBody::new(body)).unwrap())
}

#[tokio::test]
async fn http1_is_read_reconnected_and_closed() {
    let server = Server::start().await;
    let mut sse = connect(server.url()).await;
    sse.expect_status(200);
    assert_eq!(sse.expect_opening().await, "retry: 20\n\n");
    sse.expect_message()
        .text("HTTP/1.1 /events?x=1 ")
        .id("1")
        .await;
    sse.expect_heartbeat().await;
    assert_eq!(sse.reconnect().await, Reconnect::Open);
    server.gone.notified().await;
    sse.expect_message()
        .text("HTTP/1.1 /events?x=1 1")
        .id("11")
        .await;
    insta::assert_snapshot!(sse.transcript().without_times().without_headers(), @r#"
    HTTP 200 OK

    opening "retry: 20\n\n"
    event message #1 | HTTP/1.1 /events?x=1
    comment :
    closed by the test

    --- reconnect after 20ms, last-event-id: 1
    HTTP 200 OK

    opening "retry: 20\n\n"
    event message #11 | HTTP/1.1 /events?x=1 1
    "#);
    drop(sse);
    server.gone.notified().await;
}

#[tokio::test]
async fn http2_without_tls_is_read_and_closed() {
    let server = Server::start().await;
    let mut sse = connect(server.url()).http2().last_event_id("7").await;
    sse.expect_message()
        .text("HTTP/2.0 /events?x=1 7")
        .id("71")
        .await;
    sse.expect_heartbeat().await;
    sse.close();
    server.gone.notified().await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_is_resumed_for_a_socket() {
    let server = Server::start().await;
    let mut sse = connect(server.url()).await;
    sse.expect_message().await;
    sse.expect_heartbeat().await;
    sse.expect_idle(Duration::from_millis(50)).await;
    assert!(sse.elapsed() >= Duration::from_millis(350));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_threads_work_as_well() {
    let server = Server::start().await;
    let mut sse = connect(server.url()).await;
    sse.expect_message().await;
}

#[tokio::test]
async fn a_url_that_leads_nowhere_is_explained() {
    let mut sse = connect("ftp://example.org/").await;
    let error = sse.expect_error().await;
    assert!(
        error.contains("is not an http:// or https:// URL"),
        "{error}"
    );

    let mut sse = connect("no url at all").await;
    assert!(sse.expect_error().await.contains("is not valid"));

    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let mut sse = connect(format!("http://{address}/")).await;
    let error = sse.expect_error().await;
    assert!(error.contains("can't connect to 127.0.0.1"), "{error}");
}

#[cfg(not(feature = "tls"))]
#[tokio::test]
async fn tls_is_refused_with_the_feature_that_it_needs() {
    let mut sse = connect("https://localhost/").await;
    let error = sse.expect_error().await;
    assert!(error.contains("its feature `tls`"), "{error}");
}
