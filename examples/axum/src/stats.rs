//! How many streams are open, and what the hub does: `GET /sse/stats`.

use axum::{Json, Router, extract::State, routing::get};
use serde::Serialize;
use sse_layer::{ConnectionLimit, hub::Hub};

pub(crate) fn routes(limit: ConnectionLimit, hub: Hub) -> Router {
    Router::new()
        .route("/sse/stats", get(stats))
        .with_state((limit, hub))
}

async fn stats(State((limit, hub)): State<(ConnectionLimit, Hub)>) -> Json<Stats> {
    Json(Stats::of(&limit, &hub))
}

/// The numbers of a limit, and of a hub.
#[derive(Debug, Serialize)]
pub(crate) struct Stats {
    connections: usize,
    peak: usize,
    max: Option<usize>,
    rejected: u64,
    hub: HubStats,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
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

impl Stats {
    pub(crate) fn of(limit: &ConnectionLimit, hub: &Hub) -> Self {
        let stats = hub.stats();
        Self {
            connections: limit.current(),
            peak: limit.peak(),
            max: limit.max(),
            rejected: limit.rejected(),
            hub: HubStats {
                topics: stats.topics,
                subscribers: stats.subscribers,
                published: stats.published,
                delivered: stats.delivered,
                lagged: stats.lagged,
                replayed: stats.replayed,
                gaps: stats.gaps,
                history_bytes: stats.history_bytes,
            },
        }
    }
}
