//! The numbers of all hubs, through the `metrics` facade.

use std::{fmt, sync::OnceLock};

use metrics::{Counter, Gauge, Unit, counter, describe_counter, describe_gauge, gauge};

use super::gap::GapReason;

/// A hub's handles on its numbers. Asking the recorder for one takes a search, so that is done
/// once.
#[derive(Default)]
pub(super) struct Meters(OnceLock<Handles>);

struct Handles {
    topics: Gauge,
    subscribers: Gauge,
    history_bytes: Gauge,
    published: Counter,
    delivered: Counter,
    lagged: Counter,
    replayed: Counter,
    gaps: [Counter; GapReason::ALL.len()],
}

impl Meters {
    pub(super) fn topics(&self, more: f64) {
        self.handles().topics.increment(more);
    }

    pub(super) fn subscribers(&self, more: f64) {
        self.handles().subscribers.increment(more);
    }

    pub(super) fn history_bytes(&self, more: f64) {
        self.handles().history_bytes.increment(more);
    }

    pub(super) fn published(&self) {
        self.handles().published.increment(1);
    }

    pub(super) fn delivered(&self, more: u64) {
        self.handles().delivered.increment(more);
    }

    pub(super) fn lagged(&self, more: u64) {
        self.handles().lagged.increment(more);
    }

    pub(super) fn replayed(&self, more: u64) {
        self.handles().replayed.increment(more);
    }

    pub(super) fn gap(&self, reason: GapReason) {
        self.handles().gaps[reason as usize].increment(1);
    }

    fn handles(&self) -> &Handles {
        self.0.get_or_init(Handles::register)
    }
}

impl Handles {
    fn register() -> Self {
        describe();
        Self {
            topics: gauge!("sse_hub_topics"),
            subscribers: gauge!("sse_hub_subscribers"),
            history_bytes: gauge!("sse_hub_history_bytes"),
            published: counter!("sse_hub_published_total"),
            delivered: counter!("sse_hub_delivered_total"),
            lagged: counter!("sse_lagged_events_total"),
            replayed: counter!("sse_replayed_events_total"),
            gaps: GapReason::ALL
                .map(|reason| counter!("sse_gaps_total", "reason" => reason.as_str())),
        }
    }
}

fn describe() {
    describe_gauge!(
        "sse_hub_topics",
        Unit::Count,
        "Topics with a subscriber or a history."
    );
    describe_gauge!("sse_hub_subscribers", Unit::Count, "Subscriptions to hubs.");
    describe_gauge!(
        "sse_hub_history_bytes",
        Unit::Bytes,
        "Bytes that the histories of hubs take."
    );
    describe_counter!(
        "sse_hub_published_total",
        Unit::Count,
        "Events that were published to hubs."
    );
    describe_counter!(
        "sse_hub_delivered_total",
        Unit::Count,
        "Events that hubs handed to subscribers."
    );
    describe_counter!(
        "sse_lagged_events_total",
        Unit::Count,
        "Events that a queue dropped before a slow subscriber had them."
    );
    describe_counter!(
        "sse_replayed_events_total",
        Unit::Count,
        "Events that subscribers got from the history."
    );
    describe_counter!(
        "sse_gaps_total",
        Unit::Count,
        "Gaps that subscribers were told of, by the reason."
    );
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meters")
    }
}
