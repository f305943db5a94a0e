//! Layers of tower-http around ours.

use axum::{Json, Router, routing::get};
use futures_util::stream;
use http::{HeaderName, HeaderValue, Method};
use sse_layer::{ConnectionLimit, Event, Sse, SseLayer};
use sse_testkit::connect;
use tower_http::{compression::CompressionLayer, cors::CorsLayer};

use super::serve;

fn events() -> impl futures_util::Stream<Item = Event> {
    use futures_util::StreamExt;
    stream::iter([Event::text("first")]).chain(stream::pending())
}

#[tokio::test]
async fn compression_leaves_streams_alone_and_compresses_the_rest() {
    let app = Router::new()
        .route("/stream", get(async || Sse::new(events())))
        .route(
            "/json",
            get(async || Json(vec!["a long enough text to compress"; 100])),
        )
        .layer(SseLayer::new())
        .layer(CompressionLayer::new());
    let url = serve(app).await;
    let mut sse = connect(format!("{url}/stream"))
        .header("accept-encoding", "gzip, br")
        .await;
    sse.expect_status(200).expect_no_header("content-encoding");
    // Arrives although the stream goes on: nothing holds it back.
    sse.expect_message().text("first").await;
    let json = connect(format!("{url}/json"))
        .header("accept-encoding", "gzip")
        .await;
    json.expect_status(200)
        .expect_header("content-encoding", "gzip");
}

#[tokio::test]
async fn cors_works_and_a_preflight_takes_no_permit() {
    let limit = ConnectionLimit::new(1);
    let origin = HeaderValue::from_static("https://app.example");
    let cors = CorsLayer::new()
        .allow_origin([origin])
        .allow_credentials(true)
        .allow_headers([HeaderName::from_static("last-event-id")]);
    let app = Router::new()
        .route("/", get(async || Sse::new(events())))
        .layer(SseLayer::new().limit(limit.clone()))
        .layer(cors);
    let url = serve(app).await;
    let preflight = connect(&url)
        .method(Method::OPTIONS)
        .header("origin", "https://app.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "last-event-id")
        .await;
    preflight
        .expect_status(200)
        .expect_header("access-control-allow-origin", "https://app.example")
        .expect_header("access-control-allow-headers", "last-event-id");
    assert_eq!(limit.peak(), 0);
    let mut sse = connect(&url).header("origin", "https://app.example").await;
    sse.expect_header("access-control-allow-origin", "https://app.example")
        .expect_header("access-control-allow-credentials", "true")
        .expect_header("content-type", "text/event-stream");
    sse.expect_message().text("first").await;
    // A browser shows a script the refusal too, not a CORS error in its stead.
    let refused = connect(&url).header("origin", "https://app.example").await;
    refused
        .expect_status(429)
        .expect_header("access-control-allow-origin", "https://app.example");
}
