//! Which requests need a permit, when they take it, and what they are told without one.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::stream;
use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sse_layer::{ConnectionLimit, Event, OverLimit, Sse, SseBody, SseLayer};
use sse_testkit::get;
use tower::{Layer, Service, service_fn, util::BoxCloneService};

type Body = sse_testkit::Body;

type Handler =
    BoxCloneService<Request<Body>, Response<SseBody<stream::Pending<Event>>>, Infallible>;

/// Counts its calls; streams, or answers 204 at `/plain`.
fn handler(limit: &ConnectionLimit, calls: &Arc<AtomicUsize>) -> Handler {
    let calls = Arc::clone(calls);
    let layer = SseLayer::new().limit(limit.clone());
    BoxCloneService::new(layer.layer(service_fn(move |request: Request<Body>| {
        calls.fetch_add(1, SeqCst);
        async move {
            Ok(if request.uri().path() == "/plain" {
                Sse::stop()
            } else {
                Sse::new(stream::pending::<Event>())
            })
        }
    })))
}

#[tokio::test]
async fn a_request_that_asks_for_a_stream_is_refused_before_its_handler_runs() {
    let (limit, calls) = (ConnectionLimit::new(0), Arc::default());
    let service = handler(&limit, &calls);
    for method in [Method::GET, Method::POST] {
        let refused = get(service.clone(), "/").method(method).await;
        refused.expect_status(429);
    }
    assert_eq!(calls.load(SeqCst), 0);
    let refused = get(service.clone(), "/").method(Method::PUT).await;
    refused.expect_status(429);
    let refused = get(service, "/").header("accept", "application/json").await;
    refused.expect_status(429);
    assert_eq!(calls.load(SeqCst), 2);
    assert_eq!(limit.rejected(), 4);
}

#[tokio::test]
async fn what_needs_a_permit_early_can_be_said() {
    let limit = ConnectionLimit::new(0).when(|request| request.uri.path() == "/early");
    let calls = Arc::default();
    let service = handler(&limit, &calls);
    get(service.clone(), "/early")
        .header("accept", "*/*")
        .await
        .expect_status(429);
    assert_eq!(calls.load(SeqCst), 0);
    get(service.clone(), "/late").await.expect_status(429);
    assert_eq!(calls.load(SeqCst), 1);
    get(service, "/plain").await.expect_status(204);
    assert_eq!(limit.rejected(), 2);
}

#[tokio::test]
async fn a_client_that_is_no_event_source_is_told_by_status_even_with_retry_later() {
    let over = OverLimit::retry_later(Duration::from_secs(30));
    let (limit, calls) = (ConnectionLimit::new(0).over_limit(over), Arc::default());
    let service = handler(&limit, &calls);
    let source = get(service.clone(), "/").await;
    source.expect_status(200);
    let post = get(service.clone(), "/").method(Method::POST).await;
    post.expect_status(429).expect_header("retry-after", "30");
    let curl = get(service, "/").header("accept", "*/*").await;
    curl.expect_status(429);
}

#[tokio::test]
async fn status_and_retry_after_can_be_set() {
    let over =
        OverLimit::status(StatusCode::SERVICE_UNAVAILABLE).retry_after(Duration::from_millis(1500));
    let (limit, calls) = (ConnectionLimit::new(0).over_limit(over), Arc::default());
    let mut refused = get(handler(&limit, &calls), "/").await;
    refused.expect_status(503).expect_header("retry-after", "2");
    let body: Value = refused.body_json().await;
    assert_eq!(
        body,
        json!({"error": "too many open event streams", "maxConnections": 0})
    );
}

#[tokio::test]
async fn two_kinds_of_keys_count_each_for_itself() {
    let key = |name: &'static str| {
        move |request: &http::request::Parts| request.headers.get(name).cloned()
    };
    let limit = ConnectionLimit::unlimited()
        .per_key(2, key("x-user"))
        .per_key(3, key("x-ip"));
    let service = handler(&limit, &Arc::default());
    let open = async |user: &'static str, ip: &'static str| {
        get(service.clone(), "/")
            .header("x-user", user)
            .header("x-ip", ip)
            .await
    };
    let held = [
        open("a", "1").await,
        open("a", "2").await,
        open("b", "1").await,
    ];
    open("a", "3").await.expect_status(429);
    let last = open("c", "1").await;
    last.expect_status(200);
    open("d", "1").await.expect_status(429);
    // A refusal by the second kind has not used up the first: `d` may still open two elsewhere.
    let elsewhere = [open("d", "8").await, open("d", "9").await];
    elsewhere.iter().for_each(|stream| {
        stream.expect_status(200);
    });
    assert_eq!(
        (limit.current(), limit.rejected(), limit.max()),
        (6, 2, None)
    );
    drop((held, last, elsewhere));
    assert_eq!(limit.current(), 0);
}

#[tokio::test]
async fn one_limit_may_stand_in_two_layers() {
    let limit = ConnectionLimit::new(1);
    let calls = Arc::default();
    let (one, other) = (handler(&limit, &calls), handler(&limit, &calls));
    let held = get(one, "/").await;
    held.expect_status(200);
    get(other, "/").await.expect_status(429);
}

#[tokio::test]
async fn a_permit_is_free_as_soon_as_the_last_bytes_are_handed_over() {
    let limit = ConnectionLimit::new(1);
    let mut service =
        SseLayer::new()
            .limit(limit.clone())
            .layer(service_fn(async |_: Request<()>| {
                Ok::<_, Infallible>(Sse::text(stream::iter(["only"])))
            }));
    let response = service.call(Request::new(())).await.unwrap();
    assert_eq!(limit.current(), 1);
    let mut body = Box::pin(response.into_body());
    let bytes = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(bytes, ":\n\ndata: only\n\n");
    // The response is still held, as by a connection that writes the bytes out slowly.
    assert_eq!(limit.current(), 0);
    assert!(body.is_end_stream());
}

#[tokio::test]
async fn bodies_that_are_no_streams_know_their_size_and_end() {
    let plain = |body: &'static str| {
        SseLayer::new().layer(service_fn(move |_: Request<()>| {
            let response = Response::new(http_body_util::Full::<bytes::Bytes>::from(body));
            async { Ok::<_, Infallible>(response) }
        }))
    };
    let body = plain("four")
        .call(Request::new(()))
        .await
        .unwrap()
        .into_body();
    assert_eq!(
        (body.size_hint().exact(), body.is_end_stream()),
        (Some(4), false)
    );
    let body = plain("").call(Request::new(())).await.unwrap().into_body();
    assert_eq!(
        (body.size_hint().exact(), body.is_end_stream()),
        (Some(0), true)
    );

    let refusing = SseLayer::new().limit(ConnectionLimit::new(0).when(|_| true));
    let body = refusing
        .layer(plain("never"))
        .call(Request::new(()))
        .await
        .unwrap()
        .into_body();
    let size = body.size_hint().exact().unwrap();
    assert_eq!(body.collect().await.unwrap().to_bytes().len() as u64, size);
}

#[tokio::test]
async fn a_request_that_is_dropped_before_its_response_gives_its_permit_back() {
    let limit = ConnectionLimit::new(1);
    let mut service = SseLayer::new().limit(limit.clone()).layer(service_fn(
        async |_: Request<()>| -> Result<Sse<stream::Pending<Event>>, Infallible> {
            std::future::pending().await
        },
    ));
    let request = Request::builder()
        .header("accept", "text/event-stream")
        .body(())
        .unwrap();
    let response = service.call(request);
    assert_eq!(limit.current(), 1);
    drop(response);
    assert_eq!(limit.current(), 0);
}
