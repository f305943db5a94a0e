//! What a client may ask of the server, and what it is told about the client.

use std::time::Duration;

use axum::{Extension, Router, routing::get};
use sse_layer::{SseLayer, serve::PeerAddr};
use sse_testkit::connect;
use tokio::time::{Instant, timeout};

use super::{Alive, BOUND, eventually, in_time, listener, ours, raw::Raw, start};

fn app(alive: &Alive) -> Router {
    let alive = alive.clone();
    Router::new()
        .route("/stream", get(async move || ours(&alive)))
        .route("/page", get(async || "page"))
        .route(
            "/peer",
            get(async |Extension(peer): Extension<PeerAddr>| format!("{:?}", peer.addr())),
        )
        .layer(SseLayer::new().no_keep_alive())
}

#[tokio::test]
async fn one_connection_too_many_waits_until_another_leaves() {
    let alive = Alive::default();
    let (addr, _server) = start(app(&alive), |server| server.max_connections(2)).await;
    let mut stream = Raw::connect(addr).await;
    stream.open("/stream").await;
    let mut page = Raw::connect(addr).await;
    page.get("/page").await;
    assert_eq!(page.page().await.1, "page");

    let mut third = Raw::connect(addr).await;
    third.get("/page").await;
    // The others are served meanwhile, and it is not.
    for _ in 0..100 {
        page.get("/page").await;
        assert_eq!(page.page().await.1, "page");
    }
    let early = timeout(Duration::from_millis(50), third.0.readable()).await;
    assert!(early.is_err(), "served beyond the limit");
    drop(stream);
    assert_eq!(third.page().await.1, "page");

    // The same when it is no stream that leaves.
    let mut fourth = Raw::connect(addr).await;
    fourth.get("/page").await;
    drop(third);
    assert_eq!(fourth.page().await.1, "page");
    eventually("the stream's end", || alive.count() == 0).await;
}

#[tokio::test]
async fn a_client_has_so_much_time_to_say_what_it_wants() {
    let limit = Duration::from_millis(200);
    let alive = Alive::default();
    let (addr, _server) = start(app(&alive), |server| server.header_read_timeout(limit)).await;
    let mut stream = Raw::connect(addr).await;
    stream.open("/stream").await;
    for said in [
        "",
        "P",
        "PR",
        "PRI",
        "PRI * HTTP/2.0\r\n\r\nSM",
        "GET /page HT",
        "GET /page HTTP/1.1\r\nhost: x\r\n",
        "GET /page HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /page HTTP/1.1\r\nhost: x\r\n\r\nGET /page",
    ] {
        let begun = Instant::now();
        let mut client = Raw::connect(addr).await;
        client.send(said).await;
        let rest = client.remains().await;
        assert_eq!(
            rest.contains("HTTP/1.1 200"),
            said.contains("\r\n\r\n") && said.starts_with("GET")
        );
        assert!(begun.elapsed() >= limit, "too early: {said:?}");
        assert!(begun.elapsed() < BOUND / 2, "too late: {said:?}");
    }
    // A stream is no silence of the client's.
    assert_eq!(alive.count(), 1);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let alive = Alive::default();
    let (addr, _server) = start(app(&alive), |server| {
        server.max_header_size(8 * 1024).max_headers(20)
    })
    .await;
    let long = format!("x: {}\r\n", "x".repeat(9 * 1024));
    let many = "x: y\r\n".repeat(21);
    let fits = "x: y\r\n".repeat(10);
    for (headers, status) in [(long, 431), (many, 431), (fits, 200)] {
        for path in ["/page", "/stream"] {
            let mut client = Raw::connect(addr).await;
            client
                .send(format!("GET {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n"))
                .await;
            let head = client.head().await;
            assert!(head.starts_with(&format!("http/1.1 {status}")), "{head}");
        }
    }
    for (length, status) in [(9 * 1024, 431), (7 * 1024, 200)] {
        let page = connect(format!("http://{addr}/page")).http2();
        page.header("x", "x".repeat(length))
            .await
            .expect_status(status);
    }
}

#[tokio::test]
async fn a_connection_that_is_not_to_be_kept_is_closed_behind_a_page_and_behind_a_stream() {
    let app = Router::new().route("/page", get(async || "page")).route(
        "/stream",
        get(async || {
            (
                [("content-type", "text/event-stream")],
                axum::body::Body::from_stream(futures_util::stream::iter([Ok::<
                    _,
                    std::convert::Infallible,
                >(
                    "data: first\n\n"
                )])),
            )
        }),
    );
    let (addr, _server) = start(app, |server| server.keep_alive(false)).await;
    for path in ["/page", "/stream"] {
        let mut client = Raw::connect(addr).await;
        client.get(path).await;
        let answer = client.rest().await.unwrap().to_ascii_lowercase();
        assert!(answer.contains("connection: close"), "{answer}");
        assert!(
            answer.ends_with("page") || answer.ends_with("data: first\n\n\r\n0\r\n\r\n"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn the_other_end_is_told_to_the_service() {
    let alive = Alive::default();
    let (addr, _server) = start(app(&alive), |server| server).await;
    let mut client = Raw::connect(addr).await;
    let own = client.0.local_addr().unwrap();
    for _ in 0..2 {
        client.get("/peer").await;
        assert_eq!(client.page().await.1, format!("Some({own})"));
    }
    let mut http2 = connect(format!("http://{addr}/peer")).http2().await;
    let told = http2.body_text().await;
    assert!(told.starts_with("Some(127.0.0.1:"), "{told}");
}

#[cfg(unix)]
#[tokio::test]
async fn it_serves_on_a_socket_in_the_file_system() {
    use tokio::net::{UnixListener, UnixStream};

    let path = std::env::temp_dir().join(format!("sse-layer-serve-{}.socket", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let unix = UnixListener::bind(&path).unwrap();
    let alive = Alive::default();
    let drain = sse_layer::Drain::new().window(Duration::ZERO);
    let server = sse_layer::serve(unix, app(&alive)).drain(drain.clone());
    let server = tokio::spawn(server.into_future());
    let mut client = Raw(UnixStream::connect(&path).await.unwrap());
    std::fs::remove_file(&path).unwrap();
    client.get("/peer").await;
    assert_eq!(client.page().await.1, "None");
    client.open("/stream").await;
    assert_eq!(alive.count(), 1);
    drop(client);
    eventually("the stream's end", || alive.count() == 0).await;
    drain.begin();
    in_time("the server's end", server).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_that_is_dropped_accepts_no_more() {
    let alive = Alive::default();
    let (listener, addr) = listener().await;
    let server = sse_layer::serve(listener, app(&alive));
    let server = tokio::spawn(server.into_future());
    let mut client = Raw::connect(addr).await;
    client.open("/stream").await;
    server.abort();
    eventually("the refusal of new connections", || {
        std::net::TcpStream::connect(addr).is_err()
    })
    .await;
}
