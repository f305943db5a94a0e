//! Going on after the last event that a client got.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::convert::Infallible;

use futures_util::{StreamExt, stream};
use http::{HeaderName, HeaderValue, Request, Response};
use sse_layer::{BoxEventStream, Event, LastEventId, Sse, SseBody, SseLayer};
use sse_testkit::{EventStream, get};
use tower::{Layer, service_fn, util::BoxService};

type Body = sse_testkit::Body;

/// Streams three numbers, from the one after the last id on, and tells what it made of the id.
fn numbers() -> BoxService<Request<Body>, Response<SseBody<BoxEventStream>>, Infallible> {
    BoxService::new(
        SseLayer::new().layer(service_fn(async |request: Request<Body>| {
            let last = request
                .extensions()
                .get::<LastEventId>()
                .cloned()
                .unwrap_or_default();
            let seen = HeaderValue::from_static(match (last.is_malformed(), last.id()) {
                (true, _) => "malformed",
                (false, Some(_)) => "an id",
                (false, None) => "nothing",
            });
            let from = last.parse::<u64>().map_or(0, |last| last + 1);
            let events = stream::iter(from..from + 3);
            let events = events.map(|n| Event::text(n.to_string()).with_id(n));
            Ok(Sse::new(events)
                .header(HeaderName::from_static("x-seen"), seen)
                .boxed())
        })),
    )
}

async fn expect_numbers(sse: &mut EventStream, numbers: std::ops::Range<u64>) {
    for n in numbers {
        sse.expect_message()
            .text(n.to_string())
            .id(n.to_string())
            .await;
    }
}

#[tokio::test]
async fn a_client_that_reconnects_goes_on_where_it_was() {
    let mut sse = get(numbers(), "/").await;
    expect_numbers(&mut sse, 0..3).await;
    sse.reconnect().await;
    expect_numbers(&mut sse, 3..6).await;
}

#[tokio::test]
async fn the_query_serves_polyfills_and_the_header_wins_over_it() {
    let mut sse = get(numbers(), "/?lastEventId=10").await;
    expect_numbers(&mut sse, 11..14).await;
    // The URL keeps the id that it was opened with.
    sse.reconnect().await;
    expect_numbers(&mut sse, 14..17).await;
}

#[tokio::test]
async fn whatever_is_sent_as_an_id_the_answer_is_a_stream() {
    let broken = HeaderValue::from_bytes(b"\xff\xfe").unwrap();
    let long = HeaderValue::from_str(&"9".repeat(1 << 20)).unwrap();
    for value in [broken, long] {
        // The testkit's client keeps ids as text; this one sends bytes.
        let service =
            tower::ServiceExt::map_request(numbers(), move |mut request: Request<Body>| {
                request.headers_mut().insert("last-event-id", value.clone());
                request
            });
        let mut sse = get(service, "/").await;
        sse.expect_status(200).expect_header("x-seen", "malformed");
        expect_numbers(&mut sse, 0..3).await;
    }
    for id in ["", "abc", "-1", "1.5", "99999999999999999999999"] {
        let mut sse = get(numbers(), "/").last_event_id(id).await;
        let seen = if id.is_empty() { "nothing" } else { "an id" };
        sse.expect_status(200).expect_header("x-seen", seen);
        expect_numbers(&mut sse, 0..3).await;
    }
}

#[tokio::test]
async fn an_over_long_query_or_one_with_a_line_break_in_it_does_no_harm() {
    let long = format!("/?lastEventId={}", "9".repeat(50_000));
    for uri in [
        &*long,
        "/?lastEventId=1%0d%0adata:%20injected",
        "/?lastEventId=%ff%00",
    ] {
        let mut sse = get(numbers(), uri).await;
        sse.expect_status(200).expect_header("x-seen", "malformed");
        expect_numbers(&mut sse, 0..3).await;
    }
    let mut sse = get(numbers(), "/?&&=&lastEventId&%%%=%zz").await;
    sse.expect_status(200).expect_header("x-seen", "nothing");
    expect_numbers(&mut sse, 0..3).await;
}

#[cfg(feature = "axum")]
mod on_axum {
    use axum::{Router, routing};

    use super::*;

    #[tokio::test]
    async fn the_id_is_an_argument_with_and_without_the_layer() {
        async fn echo(last: LastEventId) -> String {
            format!("{:?}", last.as_str())
        }
        let bare = Router::new().route("/", routing::get(echo));
        for app in [bare.clone(), bare.layer(SseLayer::new())] {
            let mut sent = get(app.clone(), "/").last_event_id("7").await;
            assert_eq!(sent.body_text().await, "Some(\"7\")");
            let mut none = get(app, "/").await;
            assert_eq!(none.body_text().await, "None");
        }
    }
}
