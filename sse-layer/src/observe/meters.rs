//! The numbers of all streams, through the `metrics` facade.

use std::{fmt, sync::OnceLock, time::Duration};

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};

use super::{CloseReason, RejectReason};

/// A layer's handles on its numbers. Asking the recorder for one takes a search, so that is done
/// once.
#[derive(Clone, Default)]
pub(crate) struct Meters(OnceLock<Handles>);

#[derive(Clone)]
struct Handles {
    active: Gauge,
    opened: Counter,
    closed: [Counter; CloseReason::ALL.len()],
    rejected: [Counter; RejectReason::ALL.len()],
    events: Counter,
    bytes: Counter,
    heartbeats: Counter,
    duration: Histogram,
}

impl Meters {
    pub(super) const IS_ON: bool = true;

    pub(super) fn opened(&self) {
        let handles = self.handles();
        handles.opened.increment(1);
        handles.active.increment(1.0);
    }

    pub(super) fn events(&self, more: u64) {
        self.handles().events.increment(more);
    }

    pub(super) fn bytes(&self, more: u64) {
        self.handles().bytes.increment(more);
    }

    pub(super) fn beat(&self) {
        self.handles().heartbeats.increment(1);
    }

    pub(super) fn closed(&self, reason: CloseReason, duration: Duration) {
        let handles = self.handles();
        handles.closed[reason as usize].increment(1);
        handles.active.decrement(1.0);
        handles.duration.record(duration);
    }

    pub(super) fn rejected(&self, reason: RejectReason) {
        self.handles().rejected[reason as usize].increment(1);
    }

    fn handles(&self) -> &Handles {
        self.0.get_or_init(Handles::register)
    }
}

impl Handles {
    fn register() -> Self {
        describe();
        Self {
            active: gauge!("sse_connections_active"),
            opened: counter!("sse_connections_opened_total"),
            closed: CloseReason::ALL.map(
                |reason| counter!("sse_connections_closed_total", "reason" => reason.as_str()),
            ),
            rejected: RejectReason::ALL.map(
                |reason| counter!("sse_connections_rejected_total", "reason" => reason.as_str()),
            ),
            events: counter!("sse_events_sent_total"),
            bytes: counter!("sse_bytes_sent_total"),
            heartbeats: counter!("sse_heartbeats_sent_total"),
            duration: histogram!("sse_connection_duration_seconds"),
        }
    }
}

fn describe() {
    describe_gauge!(
        "sse_connections_active",
        Unit::Count,
        "Event streams that are open."
    );
    describe_counter!(
        "sse_connections_opened_total",
        Unit::Count,
        "Event streams that were opened."
    );
    describe_counter!(
        "sse_connections_closed_total",
        Unit::Count,
        "Event streams that are over, by the reason."
    );
    describe_counter!(
        "sse_connections_rejected_total",
        Unit::Count,
        "Requests that were refused an event stream, by the reason."
    );
    describe_counter!(
        "sse_events_sent_total",
        Unit::Count,
        "Events that were handed over to connections."
    );
    describe_counter!(
        "sse_bytes_sent_total",
        Unit::Bytes,
        "Bytes of event streams that were handed over to connections."
    );
    describe_counter!(
        "sse_heartbeats_sent_total",
        Unit::Count,
        "Heartbeats that were handed over to connections."
    );
    describe_histogram!(
        "sse_connection_duration_seconds",
        Unit::Seconds,
        "How long event streams were open."
    );
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meters")
    }
}
