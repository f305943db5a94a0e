//! Clients that leave in the middle, and one that doesn't stop talking.

use std::{io, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use futures_util::{StreamExt, stream};
use sse_layer::{Drain, Event, KeepAlive, Sse, SseLayer};
use tokio::{
    io::AsyncWriteExt,
    net::TcpSocket,
    sync::{Notify, mpsc},
};

use super::{Alive, eventually, foreign, ours, raw::Raw, start};

fn silent_app(alive: &Alive, drain: &Drain) -> Router {
    let (here, there) = (alive.clone(), alive.clone());
    Router::new()
        .route("/ours", get(async move || ours(&here)))
        .layer(SseLayer::new().no_keep_alive().drain(drain.clone()))
        .route("/foreign", get(async move || foreign(&there)))
}

#[tokio::test]
async fn a_client_that_resets_takes_its_stream_along_although_nothing_is_written() {
    let (alive, drain) = (Alive::default(), Drain::new());
    let (addr, _server) = start(silent_app(&alive, &drain), |server| server).await;
    for path in ["/ours", "/foreign"] {
        let mut clients = Vec::new();
        for _ in 0..50 {
            let mut client = Raw::connect(addr).await;
            client.open(path).await;
            clients.push(client);
        }
        assert_eq!(alive.count(), 50);
        clients.into_iter().for_each(Raw::reset);
        eventually("all dropped", || alive.count() == 0 && drain.open() == 0).await;
    }
}

#[tokio::test]
async fn a_client_that_closes_its_half_is_closed_in_turn() {
    let (alive, drain) = (Alive::default(), Drain::new());
    let (addr, _server) = start(silent_app(&alive, &drain), |server| server).await;
    for path in ["/ours", "/foreign"] {
        let mut client = Raw::connect(addr).await;
        client.open(path).await;
        assert_eq!(alive.count(), 1);
        client.0.shutdown().await.unwrap();
        assert_eq!(client.rest().await.unwrap(), "", "no last chunk");
        eventually("it is dropped", || alive.count() == 0 && drain.open() == 0).await;
    }
}

#[tokio::test]
async fn a_client_that_said_more_than_is_kept_and_left_is_missed_by_a_heartbeat() {
    let (alive, drain) = (Alive::default(), Drain::new());
    let held = alive.clone();
    let beats = KeepAlive::new().interval(Duration::from_millis(100));
    let app = Router::new()
        .route("/", get(async move || ours(&held)))
        .layer(SseLayer::new().keep_alive(beats).drain(drain.clone()));
    let (addr, _server) = start(app, |server| server).await;
    for resets in [false, true] {
        let mut client = Raw::connect(addr).await;
        client.open("/").await;
        client.send("x".repeat(64 * 1024)).await;
        client.until(":\n\n\r\n").await;
        assert_eq!(alive.count(), 1);
        if resets {
            client.reset();
        } else {
            drop(client);
        }
        eventually("it is dropped", || alive.count() == 0 && drain.open() == 0).await;
    }
}

const PAGE: &str = "GET /page HTTP/1.1\r\nhost: x\r\n\r\n";

/// A connection with small buffers on both sides, so that they are full soon.
async fn narrow(app: Router) -> Raw {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(16).unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(sse_layer::serve(listener, app).into_future());
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(16 * 1024).unwrap();
    Raw(socket.connect(addr).await.unwrap())
}

#[tokio::test]
async fn a_client_that_talks_without_end_has_to_wait_and_its_stream_goes_on() {
    let (events, mut rest) = mpsc::unbounded_channel();
    let end = Arc::new(Notify::new());
    let stop = Arc::clone(&end);
    let rest = stream::poll_fn(move |cx| rest.poll_recv(cx));
    let mut rest = Some(rest.take_until(async move { stop.notified().await }));
    let app = Router::new()
        .route("/stream", {
            let rest = Arc::new(std::sync::Mutex::new(rest.take()));
            get(async move || {
                let rest = rest.lock().unwrap().take().unwrap();
                Sse::new(stream::iter([Event::text("first")]).chain(rest))
            })
        })
        .route("/page", get(async || "page"))
        .layer(SseLayer::new().no_keep_alive());
    let mut client = narrow(app).await;
    client.open("/stream").await;

    // Whole requests, until none goes into the connection any more; an event that arrives shows that
    // the server has had its turn since.
    let mut asked = 0;
    let mut unsent = "";
    let mut refused = 0;
    while refused < 10 {
        if unsent.is_empty() {
            unsent = PAGE;
            asked += 1;
        }
        match client.0.try_write(unsent.as_bytes()) {
            Ok(written) => {
                unsent = &unsent[written..];
                refused = 0;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                refused += 1;
                events.send(Event::text("tick")).unwrap();
                client.until("data: tick\n\n\r\n").await;
            }
            Err(error) => panic!("{error}"),
        }
        assert!(asked * PAGE.len() < 1024 * 1024, "who keeps all that?");
    }
    assert!(asked * PAGE.len() > 8 * 1024, "{asked} requests");

    // What it said is answered when the stream is over.
    end.notify_one();
    assert_eq!(client.until("0\r\n\r\n").await, "0\r\n\r\n");
    let (_, first) = client.page().await;
    assert_eq!(first, "page");
    let Raw(tcp) = client;
    let (read, mut write) = tcp.into_split();
    let unsent = unsent.as_bytes();
    let rest = tokio::spawn(async move {
        write.write_all(unsent).await.unwrap();
        write
    });
    let mut client = Raw(tokio::io::join(read, tokio::io::sink()));
    for _ in 1..asked {
        assert_eq!(client.page().await.1, "page");
    }
    rest.await.unwrap();
}
