//! Timeouts of requests and of bodies, around the layer and inside of it.

use std::time::Duration;

use axum::{Router, body::Body, error_handling::HandleErrorLayer, routing::post};
use http::{Method, Request, StatusCode};
use sse_layer::{KeepAlive, OnError, Sse, SseLayer};
use sse_testkit::get;
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt, timeout::TimeoutLayer as TowerTimeout};
use tower_http::timeout::{
    RequestBodyDeadlineLayer, RequestBodyTimeoutLayer, ResponseBodyDeadlineLayer,
    ResponseBodyTimeoutLayer, TimeoutLayer,
};

use crate::app::{Watched, answer, first_event, secs, stalled};

/// A limit of five seconds on requests, in both forms.
fn with_request_timeout(app: &Router) -> [Router; 2] {
    let timed_out = async |_: BoxError| StatusCode::GATEWAY_TIMEOUT;
    let tower = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(timed_out))
        .layer(TowerTimeout::new(secs(5)));
    let tower_http = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, secs(5));
    [app.clone().layer(tower), app.clone().layer(tower_http)]
}

/// The layer with a heartbeat at this interval, around a handler that is silent after one event.
fn beating(interval: Duration) -> Router {
    let keep_alive = KeepAlive::new().interval(interval);
    Watched::new(1)
        .routes()
        .layer(SseLayer::new().keep_alive(keep_alive))
}

#[tokio::test]
async fn a_request_timeout_ends_at_the_head_and_a_stream_outlives_it() {
    let watched = Watched::new(1);
    let around = with_request_timeout(&watched.routes().layer(watched.layer()));
    let inside = with_request_timeout(&watched.routes()).map(|app| app.layer(watched.layer()));
    for app in around.into_iter().chain(inside) {
        let mut sse = get(app, "/").await;
        sse.expect_message().text("first").await;
        sse.expect_no_event(secs(3600)).await;
        assert_eq!(watched.limit.current(), 1);
    }
}

#[tokio::test]
async fn a_handler_that_is_timed_out_gives_its_permit_back() {
    let watched = Watched::new(1);
    let around = with_request_timeout(&watched.routes().layer(watched.layer()));
    let inside = with_request_timeout(&watched.routes()).map(|app| app.layer(watched.layer()));
    for app in around.into_iter().chain(inside) {
        let late = get(app, "/slow").await;
        late.expect_status(504)
            .expect_no_header("x-accel-buffering");
        assert_eq!(late.elapsed(), secs(5));
        watched.expect_all_given_back(1);
    }
}

#[tokio::test]
async fn an_error_of_towers_timeout_passes_through_the_layer() {
    let watched = Watched::new(1);
    let slow = watched
        .layer()
        .layer(TowerTimeout::new(secs(5)).layer(watched.routes()));
    let mut late = get(slow, "/slow").await;
    assert!(late.expect_error().await.contains("timed out"));
    watched.expect_all_given_back(1);
}

#[tokio::test]
async fn a_body_timeout_around_the_layer_is_fed_by_heartbeats() {
    let app = beating(secs(15)).layer(ResponseBodyTimeoutLayer::new(secs(20)));
    let mut sse = get(app, "/").await;
    sse.expect_message().text("first").await;
    for _ in 0..10 {
        sse.expect_heartbeat().await;
    }
    assert_eq!(sse.elapsed(), secs(150));
}

#[tokio::test]
async fn a_body_timeout_shorter_than_the_heartbeats_cuts_a_silent_stream_off() {
    let app = beating(secs(15)).layer(ResponseBodyTimeoutLayer::new(secs(10)));
    let mut sse = get(app, "/").await;
    sse.expect_message().text("first").await;
    sse.expect_error().await;
    assert_eq!(sse.elapsed(), secs(10));
}

#[tokio::test]
async fn a_body_timeout_inside_of_the_layer_counts_the_handlers_silence_alone() {
    let watched = Watched::new(1);
    let silence_ends = |on_error| {
        let app = watched
            .routes()
            .layer(ResponseBodyTimeoutLayer::new(secs(20)));
        app.layer(watched.layer().on_error(on_error))
    };
    let mut sse = get(silence_ends(OnError::abort()), "/").await;
    sse.expect_message().text("first").await;
    sse.expect_heartbeat().await;
    sse.expect_error().await;
    assert_eq!(sse.elapsed(), secs(20));
    watched.expect_all_given_back(1);

    // There it is an error of the stream, and the layer's policy says what becomes of it.
    let mut sse = get(silence_ends(OnError::close()), "/").await;
    sse.expect_message().text("first").await;
    sse.expect_heartbeat().await;
    sse.expect_end().await;
    assert_eq!(sse.elapsed(), secs(20));
}

#[tokio::test]
async fn a_body_deadline_breaks_a_stream_off_and_a_lifetime_ends_it() {
    let deadline = ResponseBodyDeadlineLayer::new(secs(60));
    let mut cut = get(beating(secs(15)).layer(deadline.clone()), "/").await;
    cut.expect_message().text("first").await;
    cut.expect_error().await;
    assert_eq!(cut.elapsed(), secs(60));

    let lived = SseLayer::new().max_lifetime(secs(60));
    let app = Watched::new(1)
        .routes()
        .layer(lived)
        .layer(deadline.clone());
    let mut ended = get(app, "/").await;
    ended.expect_message().text("first").await;
    ended.expect_end().await;

    let closing = SseLayer::new().on_error(OnError::close());
    let app = Watched::new(1).routes().layer(deadline).layer(closing);
    let mut closed = get(app, "/").await;
    closed.expect_message().text("first").await;
    closed.expect_end().await;
    assert_eq!(closed.elapsed(), secs(60));
}

#[tokio::test]
async fn a_request_body_timeout_is_over_when_the_body_is_read() {
    let watched = Watched::new(1);
    let prompt = || Router::new().route("/", post(async |_: String| Sse::new(first_event())));
    let (timeout, deadline) = (
        RequestBodyTimeoutLayer::new(secs(5)),
        RequestBodyDeadlineLayer::new(secs(5)),
    );
    for app in [
        prompt().layer(watched.layer()).layer(timeout.clone()),
        prompt().layer(watched.layer()).layer(deadline.clone()),
        prompt().layer(timeout).layer(watched.layer()),
        prompt().layer(deadline).layer(watched.layer()),
    ] {
        let mut sse = get(app.clone(), "/").method(Method::POST).body("hi").await;
        sse.expect_message().text("first").await;
        sse.expect_no_event(secs(60)).await;
        drop(sse);

        let stalled =
            app.map_request(|request: Request<_>| request.map(|_: sse_testkit::Body| stalled()));
        let late = get(stalled, "/").method(Method::POST).await;
        late.expect_status(400);
        assert_eq!(late.elapsed(), secs(5));
        watched.expect_all_given_back(1);
    }
}

#[tokio::test]
async fn a_timeout_in_one_stack_with_the_layer_wants_a_body_that_can_be_empty() {
    let watched = Watched::new(1);
    let stack = ServiceBuilder::new()
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            secs(5),
        ))
        .map_response(|response: http::Response<_>| response.map(Body::new))
        .layer(watched.layer());
    let mut sse = get(stack.service_fn(answer), "/").await;
    sse.expect_message().text("first").await;
    sse.expect_heartbeat().await;
    assert_eq!(watched.limit.current(), 1);
}
