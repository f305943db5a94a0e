//! One connection: HEAD, HTTP/2, and a client that goes away.

use std::{convert::Infallible, io, rc::Rc, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use futures_util::{StreamExt, stream};
use http::Request;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use sse_layer::{ConnectionLimit, Drain, Event, Sse, SseLayer};
use sse_testkit::connect;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::LocalSet,
};
use tower::{Layer, service_fn};

use super::{eventually, in_time, listener, serve};

fn ticking() -> impl futures_util::Stream<Item = Event> {
    stream::iter(0..)
        .map(|n| Event::text("tick").with_id(n))
        .take(3)
        .chain(stream::pending())
}

/// The server's answer up to and with the end of its head.
async fn head(connection: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = in_time("a response's head", connection.read_u8())
            .await
            .unwrap();
        head.push(byte.to_ascii_lowercase());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn a_head_request_leaves_the_connection_ready_for_the_next() {
    let limit = ConnectionLimit::new(1);
    let layer = SseLayer::new().limit(limit.clone());
    let around = layer.layer(service_fn(async |_: Request<axum::body::Body>| {
        Ok::<_, Infallible>(Sse::new(ticking()))
    }));
    let inside = Router::new()
        .route("/inside", get(async || Sse::new(ticking())))
        .layer(layer);
    let url = serve(inside.route_service("/around", around)).await;
    for (before, path) in ["/inside", "/around"].into_iter().enumerate() {
        let mut connection = TcpStream::connect(&url["http://".len()..]).await.unwrap();
        for _ in 0..2 {
            let request =
                format!("HEAD {path} HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n");
            connection.write_all(request.as_bytes()).await.unwrap();
            let head = head(&mut connection).await;
            assert!(head.starts_with("http/1.1 200"), "{head}");
            assert!(head.contains("content-type: text/event-stream"), "{head}");
            assert!(!head.contains("content-length"), "{head}");
        }
        // Only the GET of the round before, if there was one, has taken a permit.
        assert_eq!(limit.peak(), before);
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let head = head(&mut connection).await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(head.contains("transfer-encoding: chunked"), "{head}");
        drop(connection);
        eventually("the permit's return", || limit.current() == 0).await;
    }
}

#[tokio::test]
async fn http_2_carries_many_streams_and_no_header_of_http_1() {
    let limit = ConnectionLimit::new(10);
    let app = Router::new()
        .route("/", get(async || Sse::new(ticking())))
        .layer(SseLayer::new().limit(limit.clone()));
    let url = serve(app).await;
    let mut streams = Vec::new();
    for _ in 0..10 {
        let mut sse = connect(&url).http2().await;
        sse.expect_status(200)
            .expect_header("content-type", "text/event-stream")
            .expect_no_header("connection")
            .expect_no_header("transfer-encoding");
        for id in ["0", "1", "2"] {
            sse.expect_message().text("tick").id(id).await;
        }
        streams.push(sse);
    }
    connect(&url).http2().await.expect_status(429);
    assert_eq!(limit.current(), 10);
    drop(streams);
    eventually("all permits' return", || limit.current() == 0).await;
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_stream_with_it_although_nothing_is_written() {
    let owned = Arc::new(());
    let held = Arc::clone(&owned);
    let (limit, drain) = (ConnectionLimit::new(100), Drain::new());
    let app = Router::new()
        .route(
            "/",
            get(async move || {
                let owned = Arc::clone(&held);
                Sse::new(stream::poll_fn(move |_| {
                    let _ = &owned;
                    std::task::Poll::<Option<Event>>::Pending
                }))
            }),
        )
        .layer(
            SseLayer::new()
                .no_keep_alive()
                .limit(limit.clone())
                .drain(drain.clone()),
        );
    let url = serve(app).await;
    let idle = Arc::strong_count(&owned);
    for http2 in [false, true] {
        let mut streams = Vec::new();
        for _ in 0..100 {
            let request = connect(&url);
            let mut sse = if http2 { request.http2() } else { request }.await;
            sse.expect_opening().await;
            streams.push(sse);
        }
        assert_eq!((limit.current(), drain.open()), (100, 100));
        // One in each stream; axum keeps a handler for each connection beside it.
        assert!(Arc::strong_count(&owned) >= idle + 100);
        drop(streams);
        eventually("everything back", || {
            limit.current() == 0 && drain.open() == 0 && Arc::strong_count(&owned) == idle
        })
        .await;
    }
}

#[tokio::test]
async fn what_came_before_an_error_reaches_the_client() {
    let failing = || {
        let events = stream::iter([Ok(Event::text("one")), Ok(Event::text("two"))]);
        Sse::new(events.chain(stream::iter([Err(io::Error::other("secret"))])))
    };
    let around = SseLayer::new().layer(service_fn(move |_: Request<axum::body::Body>| {
        let sse = failing();
        async { Ok::<_, Infallible>(sse) }
    }));
    let inside = Router::new().route("/inside", get(async move || failing()));
    let url = serve(
        inside
            .layer(SseLayer::new())
            .route_service("/around", around),
    )
    .await;
    for path in ["/inside", "/around"] {
        for http2 in [false, true] {
            let request = connect(format!("{url}{path}"));
            let mut sse = if http2 { request.http2() } else { request }.await;
            sse.expect_status(200);
            sse.expect_message().text("one").await;
            sse.expect_message().text("two").await;
            sse.expect_error().await;
            assert!(!String::from_utf8_lossy(sse.raw()).contains("secret"));
        }
    }
}

#[tokio::test]
async fn plain_hyper_serves_streams_that_are_not_send() {
    async fn answer(
        _: Request<Incoming>,
    ) -> Result<Sse<impl futures_util::Stream<Item = Event>>, Infallible> {
        let words = Rc::new(["one", "two"]);
        let words = (0..2).map(move |index| Event::text(words[index]));
        Ok(Sse::new(stream::iter(words).chain(stream::pending()))
            .max_lifetime(Duration::from_secs(60)))
    }

    let limit = ConnectionLimit::new(1);
    let service = SseLayer::new()
        .limit(limit.clone())
        .layer(service_fn(answer));
    let (listener, addr) = listener().await;
    LocalSet::new()
        .run_until(async move {
            let server = tokio::task::spawn_local(async move {
                let (stream, _) = listener.accept().await.unwrap();
                let service = TowerToHyperService::new(service);
                http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await
            });
            let mut sse = connect(format!("http://{addr}/")).await;
            sse.expect_message().text("one").await;
            sse.expect_message().text("two").await;
            assert_eq!(limit.current(), 1);
            drop(sse);
            let _ = in_time("the end of the connection", server).await.unwrap();
            assert_eq!(limit.current(), 0);
        })
        .await;
}
