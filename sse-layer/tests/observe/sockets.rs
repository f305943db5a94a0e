//! What is told of streams whose clients are at the other end of a socket.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use axum::{Router, body::Body, routing::get};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sse_layer::{Event, Sse, SseLayer};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, service_fn};

use crate::{
    endless,
    numbers::{Numbers, counted},
    ticks,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// Streams that end, each in a way of its own.
const FINITE: [&str; 4] = ["/ready", "/large", "/foreign", "/around"];

fn app() -> Router {
    let large = || Event::text("x".repeat(4000));
    let around = service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Sse::new(ticks())));
    Router::new()
        .route("/ready", get(async || Sse::new(ticks())))
        .route(
            "/large",
            get(async move || Sse::new(stream::repeat_with(large).take(200))),
        )
        // Its end is known before it is asked for.
        .route(
            "/foreign",
            get(async || ([("content-type", "text/event-stream")], "data: a\n\n")),
        )
        .route("/endless", get(async || Sse::new(endless())))
        .route(
            "/flood",
            get(async move || Sse::new(stream::repeat_with(large))),
        )
        .layer(SseLayer::new())
        .route_service("/around", SseLayer::new().layer(around))
}

async fn served() -> SocketAddr {
    // Sockets know no other time than the real one.
    tokio::time::resume();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app()).await });
    address
}

fn request(path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("http://example.com{path}"))
        .header("host", "example.com")
        .body(Empty::new())
        .unwrap()
}

async fn http1(address: SocketAddr) -> http1::SendRequest<Empty<Bytes>> {
    let socket = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (send, connection) = http1::handshake(socket).await.unwrap();
    tokio::spawn(connection);
    send
}

async fn http2(address: SocketAddr, window: u32) -> http2::SendRequest<Empty<Bytes>> {
    let socket = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (send, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(window)
        .handshake(socket)
        .await
        .unwrap();
    tokio::spawn(connection);
    send
}

/// Waits until so many streams were closed for the reason, and no stream is open.
async fn expect_closed(numbers: &Numbers, reason: &str, count: f64) {
    let name = format!("sse_connections_closed_total{{reason={reason}}}");
    let settled = tokio::time::timeout(PATIENCE, async {
        loop {
            let read = numbers.read();
            if read.get(&name).is_some_and(|closed| closed[0] >= count) {
                return read;
            }
            tokio::task::yield_now().await;
        }
    });
    let read = settled
        .await
        .unwrap_or_else(|_| panic!("not {count} {reason}: {:?}", numbers.read()));
    assert_eq!(read["sse_connections_active"], [0.0]);
    let closed: f64 = read
        .iter()
        .filter(|(name, _)| name.starts_with("sse_connections_closed_total"))
        .map(|(_, closed)| closed[0])
        .sum();
    assert_eq!(closed, count, "{read:?}");
}

#[test]
fn a_stream_that_was_read_to_its_end_has_ended() {
    counted(async |numbers| {
        let address = served().await;
        for path in FINITE {
            let response = http1(address).await.send_request(request(path)).await;
            response.unwrap().collect().await.unwrap();
            let response = http2(address, 65_535)
                .await
                .send_request(request(path))
                .await;
            response.unwrap().collect().await.unwrap();
        }
        expect_closed(&numbers, "ended", 8.0).await;
    });
}

#[test]
fn a_client_that_leaves_is_gone() {
    counted(async |numbers| {
        let address = served().await;
        let mut one = http1(address).await;
        let mut two = http2(address, 65_535).await;
        let mut bodies = [
            one.send_request(request("/endless")).await.unwrap(),
            two.send_request(request("/endless")).await.unwrap(),
        ];
        for body in &mut bodies {
            body.frame().await.unwrap().unwrap();
        }
        assert_eq!(numbers.one("sse_connections_active"), 2.0);
        drop((bodies, one, two));
        expect_closed(&numbers, "client_gone", 2.0).await;
    });
}

#[test]
fn a_client_that_does_not_read_is_stalled_when_it_goes() {
    counted(async |numbers| {
        let address = served().await;
        let mut one = http1(address).await;
        let mut two = http2(address, 65_535).await;
        let mut closed = http2(address, 0).await;
        let unread = [
            one.send_request(request("/flood")).await.unwrap(),
            two.send_request(request("/flood")).await.unwrap(),
            closed.send_request(request("/endless")).await.unwrap(),
        ];
        // Not a wait for something to happen: it is the time of not reading that counts.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        drop((unread, one, two, closed));
        expect_closed(&numbers, "stalled", 3.0).await;
    });
}
