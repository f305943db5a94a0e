//! Reconnecting as `EventSource` does.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::stream;
use sse_testkit::Reconnect;

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Sends the two numbers after the last one seen, up to four, and then says "stop".
async fn count(headers: HeaderMap) -> Response {
    let last = headers
        .get("last-event-id")
        .map_or(0, |id| id.to_str().unwrap().parse().unwrap());
    if last >= 4 {
        return StatusCode::NO_CONTENT.into_response();
    }
    let events = (last + 1..=last + 2).map(|n| {
        let event = Event::default().id(n.to_string()).data(n.to_string());
        Ok::<_, Infallible>(if n == 1 { event.retry(secs(10)) } else { event })
    });
    Sse::new(stream::iter(events)).into_response()
}

fn app() -> Router {
    Router::new().route("/count", get(count))
}

#[tokio::test]
async fn a_client_resumes_where_it_was_until_it_is_told_to_stop() {
    let mut sse = sse_testkit::get(app(), "/count").await;
    assert_eq!(
        sse.retry(),
        secs(3),
        "what browsers do unless told otherwise"
    );
    sse.expect_message().text("1").await;
    sse.expect_message().text("2").await;
    sse.expect_end().await;

    assert_eq!(sse.reconnect().await, Reconnect::Open);
    assert_eq!(sse.elapsed(), secs(10));
    // Cut off after the first one: the other has arrived but nobody has read it.
    sse.expect_message().text("3").await;
    assert_eq!(sse.reconnect().await, Reconnect::Open);
    sse.expect_message().text("4").id("4").await;

    assert_eq!(sse.reconnect().await, Reconnect::Stopped);
    sse.expect_status(204);
    let stopped = sse.elapsed();
    assert_eq!(sse.reconnect().await, Reconnect::Stopped);
    assert_eq!(sse.elapsed(), stopped, "no request is sent any more");

    insta::assert_snapshot!(sse.transcript().without_headers());
}

#[tokio::test]
async fn an_id_of_an_earlier_life_is_sent_and_kept() {
    let mut sse = sse_testkit::get(app(), "/count").last_event_id("2").await;
    assert_eq!(sse.last_event_id(), "2");
    assert_eq!(sse.reconnect().await, Reconnect::Open);
    sse.expect_message().text("3").await;
}

#[tokio::test]
async fn what_is_no_event_stream_is_not_asked_again() {
    let mut sse = sse_testkit::get(app(), "/nowhere").await;
    sse.expect_status(404);
    assert_eq!(sse.reconnect().await, Reconnect::Refused);
    assert_eq!(sse.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn without_a_response_a_client_tries_again() {
    let mut calls = 0;
    let service = tower::service_fn(move |_: http::Request<sse_testkit::Body>| {
        calls += 1;
        let response = http::Response::builder().header("content-type", "text/event-stream");
        std::future::ready(match calls {
            1 | 2 => Err(std::io::Error::other("down")),
            _ => Ok(response.body("data: up\n\n".to_owned()).unwrap()),
        })
    });
    let mut sse = sse_testkit::get(service, "/").await;
    assert_eq!(sse.reconnect().await, Reconnect::Unreachable);
    assert_eq!(sse.reconnect().await, Reconnect::Open);
    sse.expect_message().text("up").await;
}
