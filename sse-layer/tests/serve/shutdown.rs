//! Graceful shutdown, with connections of every kind open together.

use std::{sync::Arc, time::Duration};

use axum::{Router, routing::get};
use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use sse_layer::{Drain, Event, SseLayer};
use sse_testkit::connect;
use tokio::{net::TcpStream, sync::Semaphore};

use super::{Alive, BOUND, eventually, foreign, in_time, ours, raw::Raw, start};

/// Streams with the layer, axum's own without, a page, and one that waits to be answered.
fn app(drain: &Drain, alive: &Alive, answers: &Arc<Semaphore>) -> Router {
    let (alive, foreigners, asked) = (alive.clone(), alive.clone(), alive.clone());
    let answers = Arc::clone(answers);
    Router::new()
        .route("/stream", get(async move || ours(&alive)))
        .layer(SseLayer::new().no_keep_alive().drain(drain.clone()))
        .route("/foreign", get(async move || foreign(&foreigners)))
        .route("/page", get(async || "page"))
        .route(
            "/slow",
            get(async move || {
                let _one = asked.one();
                answers.acquire().await.unwrap().forget();
                "slow"
            }),
        )
}

async fn idle_http2(addr: std::net::SocketAddr) -> tokio::task::JoinHandle<hyper::Result<()>> {
    let io = TokioIo::new(TcpStream::connect(addr).await.unwrap());
    let (mut send, connection) = http2::handshake::<_, _, Empty<Bytes>>(TokioExecutor::new(), io)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::get(format!("http://{addr}/page"));
    let response = send.send_request(request.body(Empty::new()).unwrap());
    assert_eq!(in_time("a page", response).await.unwrap().status(), 200);
    tokio::spawn(async move {
        let _kept = send;
        connection.await.unwrap()
    })
}

#[tokio::test]
async fn a_drain_ends_streams_answers_what_was_asked_and_closes_the_rest() {
    let drain = Drain::new()
        .window(Duration::from_millis(300))
        .deadline(BOUND)
        .farewell(Event::text("bye").event("bye"));
    let (alive, answers) = (Alive::default(), Arc::new(Semaphore::new(0)));
    let app = app(&drain, &alive, &answers);
    let (addr, server) = start(app, |server| server.drain(drain.clone())).await;
    let url = format!("http://{addr}");

    let mut streams = Vec::new();
    for http2 in [false, true] {
        for _ in 0..20 {
            let request = connect(format!("{url}/stream")).timeout(BOUND);
            let mut sse = if http2 { request.http2() } else { request }.await;
            sse.expect_message().text("first").await;
            streams.push(sse);
        }
    }
    let mut idle = Vec::new();
    for _ in 0..10 {
        let mut kept = Raw::connect(addr).await;
        kept.get("/page").await;
        assert_eq!(kept.page().await.1, "page");
        idle.push(kept);
        // One that never asked.
        idle.push(Raw::connect(addr).await);
    }
    let idle_http2 = idle_http2(addr).await;
    let mut held = Vec::new();
    for _ in 0..10 {
        let mut slow = Raw::connect(addr).await;
        slow.get("/slow").await;
        held.push(slow);
    }
    let held_http2 = tokio::spawn(
        connect(format!("{url}/slow"))
            .http2()
            .timeout(BOUND)
            .into_future(),
    );
    eventually("all asked", || alive.count() == 40 + 11).await;

    drain.begin();
    join_all(streams.iter_mut().map(async |sse| {
        sse.expect_event("bye").text("bye").await;
        sse.expect_end().await;
    }))
    .await;
    for mut idle in idle {
        assert_eq!(idle.rest().await.unwrap(), "");
    }
    in_time("the end of an idle connection", idle_http2)
        .await
        .unwrap()
        .unwrap();
    eventually("the refusal of new connections", || {
        std::net::TcpStream::connect(addr).is_err()
    })
    .await;
    assert_eq!(
        alive.count(),
        11,
        "streams are gone, others are yet to be answered"
    );
    assert!(!server.is_finished());

    answers.add_permits(11);
    for mut slow in held {
        let (head, body) = slow.page().await;
        assert!(head.contains("connection: close"), "{head}");
        assert_eq!(body, "slow");
        assert_eq!(slow.rest().await.unwrap(), "");
    }
    let mut slow = in_time("an answer", held_http2).await.unwrap();
    assert_eq!(slow.body_text().await, "slow");
    drop(slow);
    in_time("the server's end", server).await.unwrap().unwrap();
    assert_eq!(alive.count(), 0);
}

#[tokio::test]
async fn what_is_left_at_the_deadline_is_cut_off_and_counted() {
    let drain = Drain::new()
        .window(Duration::ZERO)
        .deadline(Duration::from_millis(100));
    let (alive, answers) = (Alive::default(), Arc::new(Semaphore::new(0)));
    let app = app(&drain, &alive, &answers);
    let (addr, server) = start(app, |server| server.drain(drain.clone())).await;
    let mut ours = Raw::connect(addr).await;
    ours.open("/stream").await;
    let mut left = Vec::new();
    for _ in 0..3 {
        let mut foreign = Raw::connect(addr).await;
        foreign.open("/foreign").await;
        left.push(foreign);
    }
    let mut http2 = connect(format!("http://{addr}/foreign"))
        .http2()
        .timeout(BOUND)
        .await;
    http2.expect_message().text("first").await;
    let mut slow = Raw::connect(addr).await;
    slow.get("/slow").await;
    eventually("all asked", || alive.count() == 6).await;

    drain.begin();
    assert!(
        ours.rest().await.unwrap().ends_with("0\r\n\r\n"),
        "a good end"
    );
    let cut = in_time("the server's end", server)
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(cut.connections(), 5);
    for mut foreign in left {
        let rest = foreign.remains().await;
        assert!(
            !rest.contains("0\r\n\r\n"),
            "no end that looks like a good one: {rest:?}"
        );
    }
    http2.expect_error().await;
    assert_eq!(slow.remains().await, "");
    eventually("all dropped", || alive.count() == 0).await;
}

#[tokio::test]
async fn a_stream_that_ends_during_the_drain_takes_its_connection_along() {
    // Both bodies: the one that the layer ends, and one that comes to its own end later.
    let drain = Drain::new().window(Duration::ZERO).deadline(BOUND);
    let (go, wait) = tokio::sync::watch::channel(false);
    let app = Router::new().route(
        "/foreign",
        get(async move || {
            let mut wait = wait.clone();
            let body = async_stream::stream! {
                yield Ok::<_, std::convert::Infallible>("data: first\n\n");
                wait.wait_for(|go| *go).await.unwrap();
                yield Ok("data: last\n\n");
            };
            (
                [("content-type", "text/event-stream")],
                axum::body::Body::from_stream(body),
            )
        }),
    );
    let (addr, server) = start(app, |server| server.drain(drain.clone())).await;
    let mut client = Raw::connect(addr).await;
    client.open("/foreign").await;
    drain.begin();
    eventually("the refusal of new connections", || {
        std::net::TcpStream::connect(addr).is_err()
    })
    .await;
    go.send(true).unwrap();
    let rest = client.rest().await.unwrap();
    assert_eq!(rest, "c\r\ndata: last\n\n\r\n0\r\n\r\n");
    in_time("the server's end", server).await.unwrap().unwrap();
}
