//! All feeds in one stream, for the page: `GET /sse/live`.
//!
//! On HTTP/1.1 a browser opens six connections to a host, over all its tabs: a page with a stream
//! for each of its parts soon has none left.

use std::time::Duration;

use axum::{Router, extract::State, routing::get};
use futures_util::stream::{Stream, StreamExt as _, select};
use sse_layer::{ConnectionLimit, EncodeError, Event, Frame, LastEventId, Sse};
use tokio::time::interval;
use tokio_stream::wrappers::IntervalStream;

use crate::{journal::Journal, message::Topic, stats::Stats, stocks};

/// What the page shows, and how much of it at the beginning.
const TOPICS: [(Topic, usize); 3] = [
    stocks::SNAPSHOT,
    (Topic::Orders, 24),
    (Topic::Notifications, 10),
];

/// How often the page is told the number of connections.
const STATS_EVERY: Duration = Duration::from_secs(2);

pub(crate) fn routes(journal: Journal, limit: ConnectionLimit) -> Router {
    Router::new()
        .route("/sse/live", get(stream))
        .with_state((journal, limit))
}

/// Prices, orders and notifications, each named by what it is. Ids are the same in all feeds, so
/// one `Last-Event-ID` resumes all three. The stats have none: only the latest count.
async fn stream(
    State((journal, limit)): State<(Journal, ConnectionLimit)>,
    last_event_id: LastEventId,
) -> Sse<impl Stream<Item = Result<Frame, EncodeError>>> {
    let messages = journal
        .follow(&TOPICS, &last_event_id)
        .map(|entry| entry.encode(Event::tagged));
    let stats = IntervalStream::new(interval(STATS_EVERY))
        .map(move |_| Event::json(Stats::of(&limit)).event("stats").to_frame());
    Sse::new(select(messages, stats))
}
