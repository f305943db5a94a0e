//! gRPC-Web over real sockets: HTTP/1.1 and HTTP/2, in real time.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]
#![cfg(feature = "socket")]

use std::convert::Infallible;
use std::sync::Arc;

use http::Request;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use sse_testkit::grpc_web::{self, Code, GrpcWebRequest};
use tokio::net::TcpListener;
use tokio::sync::Notify;

mod scripted;

use self::scripted::Step::StayOpen;
use self::scripted::{Answer, BINARY, TEXT, answer, frame, secs, trailers};

struct Server {
    url: String,
    /// Told when a connection is over.
    gone: Arc<Notify>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let gone = Arc::new(Notify::new());
        let server = Self {
            url,
            gone: Arc::clone(&gone),
        };
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let gone = Arc::clone(&gone);
                tokio::spawn(async move {
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(tcp), hyper::service::service_fn(echo))
                        .await;
                    gone.notify_one();
                });
            }
        });
        server
    }

    fn call(&self, path: &str) -> GrpcWebRequest {
        grpc_web::connect(format!("{}{path}", self.url))
    }
}

/// Sends the request's version, method and body back as one message, and a status or silence.
async fn echo(request: Request<Incoming>) -> Result<Answer, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let message = format!("{:?} {} {body:?}", parts.version, parts.method);
    let headers = match parts.headers["accept"] == TEXT[0].1 {
        true => TEXT,
        false => BINARY,
    };
    let end = match parts.uri.path() {
        "/echo.Echo/Stay" => StayOpen,
        _ => trailers("grpc-status: 5\r\ngrpc-message: no%20more\r\n"),
    };
    Ok(answer(headers, vec![frame(0, message), end]))
}

#[tokio::test]
async fn http1_is_called_and_read() {
    let server = Server::start().await;
    let mut call = server.call("/echo.Echo/Echo").message_bytes("hi").await;
    call.expect_status(200);
    let message = r#"HTTP/1.1 POST b"\0\0\0\0\x02hi""#;
    call.expect_message().bytes(message).await;
    call.expect_grpc_status(Code::NOT_FOUND)
        .message("no more")
        .await;
    let transcript = call.transcript().without_times();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    insta::assert_snapshot!(transcript.with_messages(text), @r#"
    HTTP 200 OK
    content-type: application/grpc-web+proto
    transfer-encoding: chunked

    message | HTTP/1.1 POST b"\0\0\0\0\x02hi"
    status 5 NOT_FOUND | no more
    end
    "#);
}

#[tokio::test]
async fn http2_without_tls_is_called_and_read() {
    let server = Server::start().await;
    let mut call = server
        .call("/echo.Echo/Echo")
        .message_bytes("hi")
        .http2()
        .text()
        .await;
    call.expect_header("content-type", "application/grpc-web-text+proto");
    let message = r#"HTTP/2.0 POST b"AAAAAAJoaQ==""#;
    call.expect_message().bytes(message).await;
    call.expect_grpc_status(5).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_is_in_real_time_and_closes_its_connection() {
    let server = Server::start().await;
    let mut call = server.call("/echo.Echo/Stay").await;
    call.expect_message().await;
    let before = std::time::Instant::now();
    call.expect_idle(secs(1) / 20).await;
    assert!(before.elapsed() >= secs(1) / 20);
    call.close();
    server.gone.notified().await;
}

#[tokio::test]
async fn a_url_that_leads_nowhere_is_explained() {
    let mut call = grpc_web::connect("ftp://example.org/echo.Echo/Echo").await;
    let error = call.expect_error().await;
    assert!(
        error.contains("is not an http:// or https:// URL"),
        "{error}"
    );
    let mut call = grpc_web::connect("no url at all").await;
    assert!(call.expect_error().await.contains("is not valid"));
}
