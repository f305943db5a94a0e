//! A server that is not ours: axum's own `Sse`.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures_util::stream::{self, Stream};
use serde::Serialize;
use tokio_stream::StreamExt as _;

#[derive(Serialize)]
struct Tick {
    n: u32,
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

async fn prices() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = [
        Event::default().comment("welcome"),
        Event::default()
            .event("tick")
            .id("1")
            .json_data(Tick { n: 0 })
            .unwrap(),
        Event::default().data("two\nlines").retry(secs(5)),
    ];
    let live = stream::unfold(2, |n| async move {
        tokio::time::sleep(secs(40)).await;
        (n < 4).then(|| {
            (
                Event::default()
                    .event("tick")
                    .id(n.to_string())
                    .data("late"),
                n + 1,
            )
        })
    });
    let events = stream::iter(events).chain(live).map(Ok);
    Sse::new(events).keep_alive(KeepAlive::new().interval(secs(15)).text("still here"))
}

fn app() -> Router {
    Router::new().route("/prices", get(prices))
}

#[tokio::test]
async fn axums_stream_is_read_frame_by_frame() {
    let mut sse = sse_testkit::get(app(), "/prices").await;
    sse.expect_status(200)
        .expect_header("content-type", "text/event-stream");
    sse.expect_event("tick").id("1").json(&Tick { n: 0 }).await;
    sse.expect_message()
        .text("two\nlines")
        .retry(secs(5))
        .no_id()
        .await;
    sse.expect_idle(secs(15)).await;
    assert_eq!(sse.expect_heartbeat().await, "still here");
    sse.expect_heartbeat().await;
    assert_eq!(sse.elapsed(), secs(30));
    sse.expect_no_event(secs(10)).await;
    sse.expect_event("tick").id("2").await;
    sse.expect_event("tick").id("3").await;
    sse.expect_end().await;

    insta::assert_snapshot!(sse.transcript());
}
