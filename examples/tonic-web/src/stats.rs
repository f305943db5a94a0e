//! How many streams are open: `GET /sse/stats`.

use axum::{Json, Router, extract::State, routing::get};
use serde::Serialize;
use sse_layer::ConnectionLimit;

pub(crate) fn routes(limit: ConnectionLimit) -> Router {
    Router::new()
        .route("/sse/stats", get(stats))
        .with_state(limit)
}

async fn stats(State(limit): State<ConnectionLimit>) -> Json<Stats> {
    Json(Stats::of(&limit))
}

/// The numbers of a limit.
#[derive(Debug, Serialize)]
pub(crate) struct Stats {
    connections: usize,
    peak: usize,
    max: Option<usize>,
    rejected: u64,
}

impl Stats {
    pub(crate) fn of(limit: &ConnectionLimit) -> Self {
        Self {
            connections: limit.current(),
            peak: limit.peak(),
            max: limit.max(),
            rejected: limit.rejected(),
        }
    }
}
