//! Layers that answer an empty body of ours with a status of their own.

use std::{convert::Infallible, time::Duration};

use futures_util::stream;
use http::{Request, Response, StatusCode};
use sse_layer::{Event, Sse, SseLayer};
use sse_testkit::{Body, get};
use tower::ServiceBuilder;
use tower_http::{timeout::TimeoutLayer, validate_request::ValidateRequestHeaderLayer};

#[tokio::test]
async fn a_timeout_stands_right_around_the_layer() {
    let timeout =
        TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(5));
    // Around an `Sse`...
    let service = ServiceBuilder::new()
        .layer(timeout)
        .layer(SseLayer::new())
        .service_fn(async |_: Request<Body>| {
            Ok::<_, Infallible>(Sse::new(stream::pending::<Event>()))
        });
    get(service, "/").await.expect_status(200);
    // ...and around any response.
    let service = ServiceBuilder::new()
        .layer(timeout)
        .layer(SseLayer::new())
        .service_fn(async |_: Request<Body>| {
            std::future::pending::<()>().await;
            Ok::<_, Infallible>(Response::new(http_body_util::Empty::<bytes::Bytes>::new()))
        });
    get(service, "/").await.expect_status(504);
}

#[tokio::test]
async fn a_required_header_stands_right_around_the_layer() {
    let service = ServiceBuilder::new()
        .layer(ValidateRequestHeaderLayer::has_header_value("x-key", "secret").unwrap())
        .layer(SseLayer::new())
        .service_fn(async |_: Request<Body>| {
            Ok::<_, Infallible>(Sse::new(stream::pending::<Event>()))
        });
    get(service, "/").await.expect_status(403);
}
