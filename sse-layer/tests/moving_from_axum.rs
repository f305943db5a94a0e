//! One program, compiled against axum's module and against ours: only the imports differ.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::{convert::Infallible, fmt::Write, time::Duration};

use futures_util::stream::{self, Stream};
use sse_testkit::get;
use tokio_stream::StreamExt as _;

macro_rules! program {
    ($name:ident, $($import:tt)*) => {
        mod $name {
            use axum::{Router, routing::get};

            use super::*;

            $($import)*

            #[derive(serde::Serialize)]
            struct Reading {
                celsius: f32,
                note: &'static str,
            }

            pub(super) fn app() -> Router {
                Router::new()
                    .route("/hello", get(hello))
                    .route("/every-field", get(every_field))
                    .route("/kept-alive", get(kept_alive))
                    .route("/kept-alive-by-an-event", get(kept_alive_by_an_event))
            }

            async fn hello() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
                let stream = stream::repeat_with(|| Event::default().data("hi!"))
                    .map(Ok)
                    .throttle(Duration::from_secs(1))
                    .take(3);
                Sse::new(stream)
            }

            async fn every_field() -> impl axum::response::IntoResponse {
                let mut writer = Event::default().event("written").into_data_writer();
                write!(writer, "line {}\n", 1).unwrap();
                write!(writer, "line {}", 2).unwrap();
                let name = String::from("named");
                let events = vec![
                    Ok(writer.into_event()),
                    Event::default()
                        .json_data(Reading { celsius: 21.5, note: "in\nside" })
                        .map(|event| event.id("r1")),
                    Ok(Event::default()
                        .comment("a comment")
                        .id("2")
                        .event(&name)
                        .retry(Duration::from_millis(2500))
                        .data(name.clone() + "\ntwice")),
                    Ok(Event::default().data("no name")),
                    Ok(Event::DEFAULT_KEEP_ALIVE),
                ];
                Sse::new(stream::iter(events))
            }

            async fn kept_alive() -> impl axum::response::IntoResponse {
                let stream = stream::pending::<Result<Event, Infallible>>();
                Sse::new(stream).keep_alive(
                    KeepAlive::new().interval(Duration::from_secs(10)).text("still here"),
                )
            }

            async fn kept_alive_by_an_event() -> impl axum::response::IntoResponse {
                let stream = stream::pending::<Result<Event, axum::BoxError>>();
                let beat = Event::default().event("beat").data("tick");
                Sse::new(stream).keep_alive(KeepAlive::default().event(beat))
            }
        }
    };
}

program!(axums, use axum::response::sse::{Event, KeepAlive, Sse};);
program!(ours, use sse_layer::{Event, KeepAlive, Sse};);

/// What an `EventSource` makes of it. The order of fields and the opening bytes are ours.
async fn received(app: axum::Router, uri: &str) -> Vec<(String, String, String, Option<Duration>)> {
    let mut sse = get(app, uri).await;
    sse.expect_status(200)
        .expect_header("content-type", "text/event-stream");
    let events = sse.collect_to_end().await;
    let seen = events.into_iter();
    seen.map(|event| (event.event, event.data, event.last_event_id, event.retry))
        .collect()
}

#[tokio::test]
async fn a_client_receives_the_same_events() {
    for uri in ["/hello", "/every-field"] {
        let ours = received(ours::app(), uri).await;
        assert!(ours.len() >= 3, "{ours:?}");
        assert_eq!(ours, received(axums::app(), uri).await);
    }
}

#[tokio::test]
async fn a_client_receives_the_same_heartbeats() {
    for app in [axums::app(), ours::app()] {
        let mut sse = get(app, "/kept-alive").await;
        for _ in 0..3 {
            sse.expect_idle(Duration::from_secs(9)).await;
            assert_eq!(sse.expect_heartbeat().await, "still here");
        }
    }
    for app in [axums::app(), ours::app()] {
        let mut sse = get(app, "/kept-alive-by-an-event").await;
        sse.expect_no_event(Duration::from_secs(14)).await;
        sse.expect_event("beat").text("tick").await;
    }
}

#[test]
fn an_encode_error_turns_into_axums_error_by_question_mark() {
    fn event() -> Result<sse_layer::Event, axum::Error> {
        let not_json = std::collections::BTreeMap::from([(vec![1_u8], 1)]);
        Ok(sse_layer::Event::default().json_data(not_json)?)
    }
    assert!(
        event()
            .unwrap_err()
            .to_string()
            .contains("key must be a string")
    );
}
