//! sse-layer, all of it on: the limit, the heartbeat, the drain, the stats, and the hub.

use ::sse_layer::{ConnectionLimit, Drain, Event, Hub, KeepAlive, LastEventId, SseLayer, hub};
use http::StatusCode;
use serde::Serialize;

use super::{Settings, broadcast::CAPACITY};

/// More streams than any run opens.
const MAX_CONNECTIONS: usize = 1_000_000;

const TOPIC: &str = "live";

#[derive(Clone)]
pub(super) struct Ours {
    limit: ConnectionLimit,
    hub: Hub,
}

/// What is counted.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Stats {
    connections: usize,
    peak: usize,
    max: Option<usize>,
    rejected: u64,
    hub: HubStats,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct HubStats {
    topics: usize,
    subscribers: usize,
    published: u64,
    delivered: u64,
    lagged: u64,
    replayed: u64,
    gaps: u64,
    history_bytes: usize,
}

impl Ours {
    pub(super) fn new() -> Self {
        Self {
            limit: ConnectionLimit::new(MAX_CONNECTIONS),
            hub: Hub::builder().queue(CAPACITY, 1024 * 1024).build(),
        }
    }

    pub(super) fn layer(&self, settings: &Settings) -> SseLayer {
        SseLayer::new()
            .keep_alive(KeepAlive::new().interval(settings.heartbeat))
            .limit(self.limit.clone())
            .drain(Drain::clone(&settings.drain))
    }

    /// What is published from now on, or after the event that the client has seen.
    pub(super) fn live(&self, last: LastEventId) -> Result<hub::Subscription, hub::TopicError> {
        Ok(self.hub.subscribe(TOPIC)?.after(last))
    }

    pub(super) async fn publish(&self, text: String) -> StatusCode {
        match self.hub.publish(TOPIC, Event::text(text)).await {
            Ok(_) => StatusCode::NO_CONTENT,
            // An event without data is none.
            Err(_) => StatusCode::BAD_REQUEST,
        }
    }

    pub(super) fn stats(&self) -> Stats {
        let hub = self.hub.stats();
        Stats {
            connections: self.limit.current(),
            peak: self.limit.peak(),
            max: self.limit.max(),
            rejected: self.limit.rejected(),
            hub: HubStats {
                topics: hub.topics,
                subscribers: hub.subscribers,
                published: hub.published,
                delivered: hub.delivered,
                lagged: hub.lagged,
                replayed: hub.replayed,
                gaps: hub.gaps,
                history_bytes: hub.history_bytes,
            },
        }
    }
}
