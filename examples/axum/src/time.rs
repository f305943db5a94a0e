//! The time, once a second: `GET /sse/time`.

use std::time::Duration;

use axum::{Router, extract::State, routing::get};
use futures_util::stream::{Stream, StreamExt as _};
use jiff::Timestamp;
use serde::Serialize;
use sse_layer::{Event, Json, Sse};
use tokio::time::interval;
use tokio_stream::wrappers::IntervalStream;

use crate::clock::Clock;

pub(crate) fn routes(clock: Clock) -> Router {
    Router::new()
        .route("/sse/time", get(stream))
        .with_state(clock)
}

/// There is nothing to resume: the time that a client missed is gone, so its events have no ids.
async fn stream(State(clock): State<Clock>) -> Sse<impl Stream<Item = Event<Json<Time>>>> {
    let seconds = IntervalStream::new(interval(Duration::from_secs(1)));
    Sse::json(seconds.map(move |_| Time { time: clock.now() })).event("time")
}

#[derive(Debug, Serialize)]
struct Time {
    time: Timestamp,
}
