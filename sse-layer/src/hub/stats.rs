//! What a hub has done so far.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use super::{gap::GapReason, meters::Meters};

/// What a hub holds and what it has done since it was made, from [`Hub::stats`](super::Hub::stats).
///
/// As messages go on being published while they are read, the numbers need not be of one moment.
/// What was delivered counts when its subscriber has read all there is, or is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HubStats {
    /// Topics there are: somebody is subscribed to them, or something of them is kept.
    pub topics: usize,
    /// Subscriptions there are.
    pub subscribers: usize,
    /// Messages that were published.
    pub published: u64,
    /// Messages that were handed to subscribers, each counted once a subscriber: when that has read
    /// all there is, or ends.
    pub delivered: u64,
    /// Messages that a queue dropped before a subscriber had them, each counted once a
    /// subscriber. With [`LagPolicy::CatchUp`](super::LagPolicy::CatchUp) it may have got them
    /// from the history.
    pub lagged: u64,
    /// Of the messages that were delivered, those from the history.
    pub replayed: u64,
    /// Gaps that subscribers were told of.
    pub gaps: u64,
    /// Bytes that the histories take: those on the wire and what goes with them.
    pub history_bytes: usize,
    /// Of the engine, where the hub is one of its nodes.
    pub engine: Option<EngineStats>,
}

/// What a hub knows of the engine behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineStats {
    /// Whether the engine is reached.
    pub is_connected: bool,
    /// How often it was not reached any more.
    pub outages: u64,
    /// How often this node has read from its history for clients that came back.
    pub reads: u64,
}

/// The counts behind the stats.
#[derive(Debug, Default)]
pub(super) struct Counts {
    subscribers: AtomicUsize,
    published: AtomicU64,
    delivered: AtomicU64,
    lagged: AtomicU64,
    replayed: AtomicU64,
    gaps: AtomicU64,
    meters: Arc<Meters>,
}

impl Counts {
    pub(super) fn new(meters: Arc<Meters>) -> Self {
        Self {
            meters,
            ..Self::default()
        }
    }

    pub(super) fn stats(&self) -> HubStats {
        HubStats {
            topics: 0,
            subscribers: self.subscribers.load(Relaxed),
            published: self.published.load(Relaxed),
            delivered: self.delivered.load(Relaxed),
            lagged: self.lagged.load(Relaxed),
            replayed: self.replayed.load(Relaxed),
            gaps: self.gaps.load(Relaxed),
            history_bytes: 0,
            engine: None,
        }
    }

    pub(super) fn subscribed(&self) {
        self.subscribers.fetch_add(1, Relaxed);
        self.meters.subscribers(1.0);
    }

    pub(super) fn unsubscribed(&self) {
        self.subscribers.fetch_sub(1, Relaxed);
        self.meters.subscribers(-1.0);
    }

    pub(super) fn published(&self) {
        self.published.fetch_add(1, Relaxed);
        self.meters.published();
    }

    pub(super) fn lagged(&self, messages: u64) {
        self.lagged.fetch_add(messages, Relaxed);
        self.meters.lagged(messages);
    }

    pub(super) fn gap(&self, reason: GapReason) {
        self.gaps.fetch_add(1, Relaxed);
        self.meters.gap(reason);
    }
}

/// What one subscriber got, counted by itself: all of them on one counter would wait for each
/// other.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) delivered: u64,
    pub(super) replayed: u64,
}

impl Tally {
    pub(super) fn flush(&mut self, counts: &Counts) {
        if self.delivered > 0 {
            counts.delivered.fetch_add(self.delivered, Relaxed);
            counts.meters.delivered(self.delivered);
            self.delivered = 0;
        }
        if self.replayed > 0 {
            counts.replayed.fetch_add(self.replayed, Relaxed);
            counts.meters.replayed(self.replayed);
            self.replayed = 0;
        }
    }
}
