//! All feeds in one stream, for the page: `GET /sse/live`.
//!
//! On HTTP/1.1 a browser opens six connections to a host, over all its tabs: a page with a stream
//! for each of its parts soon has none left.

use std::time::Duration;

use axum::{Router, extract::State, routing::get};
use futures_util::stream::{self, PollNext, Stream, StreamExt as _, select_with_strategy};
use sse_layer::{EncodeError, Event, Frame, LastEventId, Sse, hub::Hub};
use tokio::time::interval;
use tokio_stream::wrappers::IntervalStream;

use crate::{error::ApiError, notifications, orders, stats::Numbers, stocks};

const TOPICS: [&str; 3] = [stocks::TOPIC, orders::ALL, notifications::ALL];

/// How many messages of each topic a new page begins with: of the stocks, that is five ticks.
const RECENT: usize = 5 * stocks::SYMBOLS;

/// How often the page is told the numbers.
const STATS_EVERY: Duration = Duration::from_secs(2);

pub(crate) fn routes(hub: Hub, numbers: Numbers) -> Router {
    Router::new()
        .route("/sse/live", get(stream))
        .with_state((hub, numbers))
}

/// Prices, orders and notifications, each named by what it is, in the order of their ids: so one
/// `Last-Event-ID` resumes all three.
///
/// In between are events without an id, which are sent only while nothing else is waiting. The
/// first of them, `caught-up`, therefore stands behind all that a client that came back had
/// missed. The `stats` that follow are not resumed: only the latest count.
async fn stream(
    State((hub, numbers)): State<(Hub, Numbers)>,
    last_event_id: LastEventId,
) -> Result<Sse<impl Stream<Item = Result<Frame, EncodeError>>>, ApiError> {
    let messages = hub
        .subscribe_many(TOPICS)?
        .recent(RECENT)
        .after(last_event_id);
    let caught_up = stream::iter([Event::json(()).event("caught-up").to_frame()]);
    let stats = IntervalStream::new(interval(STATS_EVERY))
        .map(move |_| Event::json(numbers.now()).event("stats").to_frame());
    Ok(Sse::new(select_with_strategy(
        messages.map(Ok),
        caught_up.chain(stats),
        |(): &mut ()| PollNext::Left,
    )))
}
