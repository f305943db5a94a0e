//! The time, once a second: `GET /sse/time`.

use std::time::Duration;

use futures_util::Stream;
use jiff::Timestamp;
use serde::Serialize;
use sse_layer::{Event, Json, Sse};
use tokio::time::interval;

use crate::clock::Clock;

#[derive(Debug, Serialize)]
pub(crate) struct Time {
    time: Timestamp,
}

/// There is nothing to resume: the time that a client missed is gone, so its events have no ids.
pub(crate) fn stream(clock: Clock) -> Sse<impl Stream<Item = Event<Json<Time>>>> {
    let mut seconds = interval(Duration::from_secs(1));
    Sse::json(async_stream::stream! {
        loop {
            seconds.tick().await;
            yield Time { time: clock.now() };
        }
    })
    .event("time")
}
