//! A WebSocket on a connection that has carried pages and a stream before.

use axum::{
    Router,
    extract::ws::{Message, WebSocket, WebSocketUpgrade},
    routing::{any, get},
};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::Empty;
use hyper::{client::conn::http2, ext::Protocol};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sse_layer::{Event, Sse, SseLayer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    net::TcpStream,
};

use super::{in_time, raw::Raw, start};

async fn answer(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if let Message::Text(text) = message {
            let text = format!("{text}, you say");
            socket.send(Message::Text(text.into())).await.unwrap();
        }
    }
}

/// A frame with a short text as clients send it (RFC 6455, 5.2), masked with zeros.
fn said(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
    frame.extend_from_slice(text.as_bytes());
    frame
}

async fn heard<I>(client: &mut Raw<I>) -> String
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let mut head = [0; 2];
    in_time("a frame", client.0.read_exact(&mut head))
        .await
        .unwrap();
    assert_eq!(head[0], 0x81);
    let mut text = vec![0; usize::from(head[1])];
    in_time("a frame", client.0.read_exact(&mut text))
        .await
        .unwrap();
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn a_websocket_carries_messages_both_ways_behind_pages_and_a_stream() {
    let app = Router::new()
        .route("/page", get(async || "page"))
        .route(
            "/stream",
            get(async || Sse::new(stream::iter([Event::text("first")]))),
        )
        .route(
            "/socket",
            get(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(answer)),
        )
        .layer(SseLayer::new());
    let (addr, _server) = start(app, |server| server).await;
    for before in [&["/page"][..], &["/stream"], &["/page", "/stream"], &[]] {
        let mut client = Raw::connect(addr).await;
        for path in before {
            client.get(path).await;
            match *path {
                "/page" => assert_eq!(client.page().await.1, "page"),
                _ => assert!(client.until("\r\n0\r\n\r\n").await.contains("data: first")),
            }
        }
        let mut request = b"GET /socket HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\n\
            upgrade: websocket\r\nsec-websocket-version: 13\r\n\
            sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            .to_vec();
        // Before the server has said yes: it must not be lost.
        request.extend(said("early"));
        client.send(request).await;
        let head = client.head().await;
        assert!(head.starts_with("http/1.1 101"), "{head}");
        // The example of RFC 6455, 1.3.
        assert!(
            head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
            "{head}"
        );
        assert_eq!(heard(&mut client).await, "early, you say");
        for n in 0..10 {
            client.send(said(&n.to_string())).await;
            assert_eq!(heard(&mut client).await, format!("{n}, you say"));
        }
    }
}

/// RFC 8441: each WebSocket is one of the connection's streams.
#[tokio::test]
async fn a_websocket_over_http2_carries_messages_both_ways() {
    let app = Router::new().route(
        "/socket",
        any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(answer)),
    );
    let (addr, _server) = start(app, |server| server).await;
    let io = TokioIo::new(TcpStream::connect(addr).await.unwrap());
    let (mut send, connection) = http2::handshake::<_, _, Empty<Bytes>>(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = http::Request::connect(format!("http://{addr}/socket"))
        .extension(Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13")
        .body(Empty::new())
        .unwrap();
    // The server has to say first that it can do this.
    in_time("the server's settings", send.ready())
        .await
        .unwrap();
    let response = in_time("an answer", send.send_request(request))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let upgraded = in_time("an upgrade", hyper::upgrade::on(response))
        .await
        .unwrap();
    let mut client = Raw(TokioIo::new(upgraded));
    for n in 0..10 {
        client.send(said(&n.to_string())).await;
        assert_eq!(heard(&mut client).await, format!("{n}, you say"));
    }
}
