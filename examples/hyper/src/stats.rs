//! How many streams are open, and how much of the log is kept: `GET /sse/stats`.

use serde::Serialize;
use sse_layer::ConnectionLimit;

use crate::logs::{Counts, Log};

#[derive(Debug, Serialize)]
struct Stats {
    connections: usize,
    peak: usize,
    max: Option<usize>,
    rejected: u64,
    log: Counts,
}

pub(crate) fn json(limit: &ConnectionLimit, log: &Log) -> Vec<u8> {
    let stats = Stats {
        connections: limit.current(),
        peak: limit.peak(),
        max: limit.max(),
        rejected: limit.rejected(),
        log: log.counts(),
    };
    serde_json::to_vec(&stats).unwrap_or_else(|error| {
        tracing::error!(%error, "the stats are not JSON");
        b"{}".to_vec()
    })
}
