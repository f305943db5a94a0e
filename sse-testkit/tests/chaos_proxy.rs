//! Faults between a client and a server over real sockets, switched while they run.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]
#![cfg(feature = "socket")]

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures_util::{Stream, stream};
use sse_testkit::chaos::{self, ChaosProxy};
use sse_testkit::{EventStream, Reconnect, connect};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Numbers from the one after the last id on, ten milliseconds apart, without end.
async fn numbers(
    headers: axum::http::HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let last = headers.get("last-event-id");
    let last: u32 = last.map_or(0, |id| id.to_str().unwrap().parse().unwrap());
    let events = stream::unfold(last + 1, |n| async move {
        tokio::time::sleep(ms(10)).await;
        let event = Event::default().id(n.to_string()).data(n.to_string());
        Some((Ok(event.retry(ms(1))), n + 1))
    });
    Sse::new(events).keep_alive(KeepAlive::new())
}

async fn start() -> ChaosProxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/", get(numbers));
    tokio::spawn(async move { axum::serve(listener, app).await });
    ChaosProxy::start(address).await.unwrap()
}

async fn open(proxy: &ChaosProxy) -> EventStream {
    connect(proxy.url("/")).await
}

/// Waits for something that the proxy does a little later than the client sees of it.
async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(ms(10)).await;
    }
    panic!("it never came true");
}

#[tokio::test]
async fn without_faults_bytes_pass_both_ways() {
    let proxy = start().await;
    let mut sse = open(&proxy).await;
    sse.expect_message().text("1").await;
    assert_eq!((proxy.open(), proxy.accepted()), (1, 1));
    sse.close();
    until(|| proxy.open() == 0).await;
}

#[tokio::test]
async fn http2_passes_byte_by_byte() {
    let proxy = start().await;
    proxy.to_client(chaos::split_every(1));
    proxy.to_server(chaos::split_every(1));
    let mut sse = connect(proxy.url("/")).http2().last_event_id("41").await;
    sse.expect_message().text("42").await;
}

#[tokio::test]
async fn a_stalled_stream_goes_on_where_it_was() {
    let proxy = start().await;
    let mut sse = open(&proxy).await;
    sse.collect(1).await;
    proxy.stall();
    // What was on its way when the proxy stopped.
    sse.collect_for(ms(100)).await;
    sse.expect_idle(ms(200)).await;
    proxy.resume();
    let next = sse.expect_any_event().await;
    let seen = sse.frames().count();
    assert_eq!(next.data, seen.to_string(), "nothing is lost");
}

#[tokio::test]
async fn faults_change_while_a_connection_is_open() {
    let proxy = start().await;
    let mut sse = open(&proxy).await;
    sse.collect(1).await;
    proxy.to_client(chaos::hang_after(0));
    sse.collect_for(ms(100)).await;
    sse.expect_idle(ms(100)).await;
    // What the proxy held is not lost when it changes.
    proxy.to_client(chaos::merge_up_to(1_000_000));
    sse.expect_idle(ms(200)).await;
    proxy.to_client(chaos::Chaos::new());
    let seen = sse.frames().count();
    let next = sse.expect_any_event().await;
    assert_eq!(next.data, (seen + 1).to_string());
}

#[tokio::test]
async fn a_connection_is_cut_or_reset_and_the_client_comes_back() {
    let proxy = start().await;
    let mut sse = open(&proxy).await;
    sse.collect(2).await;
    proxy.reset();
    until(|| proxy.open() == 0).await;
    let id = sse.last_event_id().to_owned();
    assert_eq!(sse.reconnect().await, Reconnect::Open);
    sse.expect_message().await;
    assert_eq!(id, "2");
    assert_eq!(sse.last_event_id(), "3");
    assert_eq!(proxy.accepted(), 2);

    proxy.cut();
    until(|| proxy.open() == 0).await;
    assert_eq!(sse.reconnect().await, Reconnect::Open);
    assert_eq!(proxy.accepted(), 3);
}

#[tokio::test]
async fn a_server_that_is_down_comes_up_again() {
    let proxy = start().await;
    let mut sse = open(&proxy).await;
    sse.collect(1).await;
    proxy.refuse();
    proxy.reset();
    assert_eq!(sse.reconnect().await, Reconnect::Unreachable);
    proxy.accept();
    assert_eq!(sse.reconnect().await, Reconnect::Open);
    sse.expect_message().text("2").await;
}

#[tokio::test]
async fn a_fault_breaks_the_connection_at_its_byte() {
    let (proxy, server) = echo().await;
    proxy.to_client(chaos::fail_after(3));
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    client.write_all(b"abcd").await.unwrap();
    let kind = server.await.unwrap().map_err(|error| error.kind());
    assert_eq!(kind, Err(std::io::ErrorKind::ConnectionReset));

    let (proxy, _) = echo().await;
    proxy.to_client(chaos::cut_after(3));
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    client.write_all(b"abcd").await.unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "abc");
}

/// A server that answers each byte by the same one, and knows how its connection ended.
async fn echo() -> (ChaosProxy, tokio::task::JoinHandle<std::io::Result<u64>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = ChaosProxy::start(listener.local_addr().unwrap())
        .await
        .unwrap();
    let server = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await?;
        let (mut read, mut write) = tcp.split();
        tokio::io::copy(&mut read, &mut write).await
    });
    (proxy, server)
}

#[tokio::test]
async fn both_sides_see_a_reset_as_a_reset_and_a_cut_as_an_end() {
    let (proxy, server) = echo().await;
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    client.write_all(b"ab").await.unwrap();
    client.read_exact(&mut [0; 2]).await.unwrap();
    proxy.reset();
    let kind = |error: std::io::Error| error.kind();
    let reset = std::io::ErrorKind::ConnectionReset;
    assert_eq!(client.read(&mut [0; 2]).await.map_err(kind), Err(reset));
    assert_eq!(server.await.unwrap().map_err(kind), Err(reset));

    let (proxy, server) = echo().await;
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    client.write_all(b"ab").await.unwrap();
    client.read_exact(&mut [0; 2]).await.unwrap();
    proxy.cut();
    assert_eq!(client.read(&mut [0; 2]).await.map_err(kind), Ok(0));
    assert_eq!(server.await.unwrap().map_err(kind), Ok(2));
}

#[tokio::test]
async fn a_cut_is_an_end_also_to_whoever_has_sent_what_was_not_read() {
    let (proxy, server) = echo().await;
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    client.write_all(b"ab").await.unwrap();
    client.read_exact(&mut [0; 2]).await.unwrap();
    proxy.stall();
    client.write_all(b"cd").await.unwrap();
    proxy.cut();
    let end = client.read(&mut [0; 2]).await;
    assert_eq!(end.map_err(|error| error.kind()), Ok(0));
    assert_eq!(server.await.unwrap().unwrap(), 2);
}

#[tokio::test]
async fn what_several_faults_hold_keeps_its_order_when_they_change() {
    let (proxy, _server) = echo().await;
    let hour = Duration::from_secs(3600);
    proxy.to_client(chaos::split_every(2).delay(hour).delay(hour));
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    client.write_all(b"abcdef").await.unwrap();
    // Until it is held, as far as a test can tell.
    let mut bytes = [0; 6];
    let early = tokio::time::timeout(ms(100), client.read(&mut bytes)).await;
    assert!(early.is_err());
    proxy.to_client(chaos::Chaos::new());
    client.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"abcdef");
}

#[tokio::test]
async fn one_side_may_end_before_the_other() {
    let (proxy, server) = echo().await;
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    proxy.to_client(chaos::delay(ms(100)));
    client.write_all(b"late").await.unwrap();
    client.shutdown().await.unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "late");
    assert_eq!(server.await.unwrap().unwrap(), 4);
    until(|| proxy.open() == 0).await;
}

#[tokio::test]
async fn a_proxy_that_is_dropped_takes_its_connections_along() {
    let (proxy, server) = echo().await;
    let address = proxy.address();
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"ab").await.unwrap();
    client.read_exact(&mut [0; 2]).await.unwrap();
    drop(proxy);
    assert_eq!(client.read(&mut [0; 2]).await.unwrap(), 0);
    assert_eq!(server.await.unwrap().unwrap(), 2);
}
