//! How many streams are open, and what the hub does: `GET /sse/stats`.
//!
//! All numbers are this node's own. Behind a proxy, whichever node gets the request answers, and
//! says which one it is.

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::get};
use serde::Serialize;
use sse_layer::{ConnectionLimit, hub::Hub};

pub(crate) fn routes(numbers: Numbers) -> Router {
    Router::new()
        .route("/sse/stats", get(stats))
        .with_state(numbers)
}

async fn stats(State(numbers): State<Numbers>) -> Json<Stats> {
    Json(numbers.now())
}

/// Where the numbers come from; clones are handles on the same ones.
#[derive(Clone)]
pub(crate) struct Numbers {
    node: Arc<str>,
    limit: ConnectionLimit,
    hub: Hub,
}

/// The numbers of a node: of its limit, and of its hub.
#[derive(Debug, Serialize)]
pub(crate) struct Stats {
    node: String,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<EngineStats>,
}

/// Of the engine behind the hub, if there is one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct EngineStats {
    is_connected: bool,
    outages: u64,
    reads: u64,
}

impl Numbers {
    pub(crate) fn new(node: String, limit: ConnectionLimit, hub: Hub) -> Self {
        Self {
            node: node.into(),
            limit,
            hub,
        }
    }

    pub(crate) fn now(&self) -> Stats {
        let (limit, stats) = (&self.limit, self.hub.stats());
        Stats {
            node: self.node.to_string(),
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
                engine: stats.engine.map(|engine| EngineStats {
                    is_connected: engine.is_connected,
                    outages: engine.outages,
                    reads: engine.reads,
                }),
            },
        }
    }
}
