//! What stands between a connection and HTTP: nothing said in clear, or an end before it began.

use std::{
    future::pending,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, routing::get};
use sse_layer::{Drain, SseLayer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
};

use super::{Alive, eventually, in_time, listener, ours, raw::Raw};

/// All bytes turned over, so that nobody who looks past it understands a word.
struct Turned(TcpStream);

fn turn(bytes: &mut [u8]) {
    bytes.iter_mut().for_each(|byte| *byte = !*byte);
}

impl AsyncRead for Turned {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.0).poll_read(cx, into);
        turn(&mut into.filled_mut()[before..]);
        read
    }
}

impl AsyncWrite for Turned {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut bytes = bytes.to_vec();
        turn(&mut bytes);
        Pin::new(&mut self.0).poll_write(cx, &bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Wraps whoever says `y`, refuses whoever says `n`, and says nothing to anybody else.
async fn shake(mut tcp: TcpStream) -> io::Result<Turned> {
    match tcp.read_u8().await? {
        b'y' => {
            tcp.write_all(b"!").await?;
            Ok(Turned(tcp))
        }
        b'n' => Err(io::Error::other("not like that")),
        _ => pending().await,
    }
}

#[tokio::test]
async fn http_is_spoken_over_what_the_handshake_made_and_a_bad_one_ends_only_itself() {
    let alive = Alive::default();
    let drain = Drain::new().window(Duration::ZERO);
    let held = alive.clone();
    let app = Router::new()
        .route("/stream", get(async move || ours(&held)))
        .route("/page", get(async || "page"))
        .layer(SseLayer::new().no_keep_alive().drain(drain.clone()));
    let (listener, addr) = listener().await;
    let server = sse_layer::serve(listener, app)
        .handshake(shake)
        .header_read_timeout(Duration::from_millis(500))
        .drain(drain.clone());
    let server = tokio::spawn(server.into_future());

    let mut hangs = Raw::connect(addr).await;
    hangs.send("?").await;
    let mut refused = Raw::connect(addr).await;
    refused.send("n").await;
    assert_eq!(refused.rest().await.unwrap(), "");

    let mut client = Raw::connect(addr).await;
    client.send("y").await;
    assert_eq!(client.until("!").await, "!");
    let mut client = Raw(Turned(client.0));
    client.get("/page").await;
    assert_eq!(client.page().await.1, "page");
    client.open("/stream").await;
    assert_eq!(
        hangs.rest().await.unwrap(),
        "",
        "cut by the time that it has"
    );
    assert_eq!(alive.count(), 1);

    // One that is in the middle of it does not hold a shutdown up.
    let _silent = Raw::connect(addr).await;
    drain.begin();
    assert!(client.rest().await.unwrap().ends_with("0\r\n\r\n"));
    in_time("the server's end", server).await.unwrap().unwrap();
    eventually("the stream's end", || alive.count() == 0).await;
}
