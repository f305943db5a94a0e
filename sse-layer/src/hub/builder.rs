use std::sync::Arc;

use super::{
    Hub,
    history::History,
    ledger::Ledger,
    live::QueueBounds,
    meters::Meters,
    position::Epoch,
    shared::{Settings, Shared},
};
use crate::event::EventName;

/// How a hub is set up; from [`Hub::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct HubBuilder {
    settings: Settings,
    max_topics: usize,
    max_history_bytes: usize,
    epoch: Option<Epoch>,
}

impl HubBuilder {
    pub(super) fn new() -> Self {
        Self {
            settings: Settings {
                history: History::new(),
                queue: QueueBounds {
                    events: 1024,
                    bytes: 1024 * 1024,
                },
                max_topic_len: 256,
                max_event_bytes: 1024 * 1024,
                gap_event: EventName::GAP,
            },
            max_topics: 100_000,
            max_history_bytes: 256 * 1024 * 1024,
            epoch: None,
        }
    }

    /// How much of each topic is kept for clients that come back, or that are slow: 1,000 events,
    /// 1 MiB and 5 minutes unless set.
    pub const fn history(mut self, history: History) -> Self {
        self.settings.history = history;
        self
    }

    /// How many bytes the histories of all topics may take together: 256 MiB unless set.
    ///
    /// When they do, a topic that publishes makes room by letting go of its own oldest messages,
    /// never of another topic's; one that has none to let go of gets
    /// [`PublishError::HistoryFull`](super::PublishError::HistoryFull).
    pub const fn max_history_bytes(mut self, bytes: usize) -> Self {
        self.max_history_bytes = bytes;
        self
    }

    /// How many topics there may be: 100,000 unless set. Beyond them, publishing and subscribing
    /// to another one is [an error](super::TopicError::TooMany).
    ///
    /// A topic is there while somebody is subscribed to it or something of it is kept.
    pub const fn max_topics(mut self, topics: usize) -> Self {
        self.max_topics = topics;
        self
    }

    /// How long a topic's name may be, in bytes: 256 unless set.
    pub const fn max_topic_len(mut self, bytes: usize) -> Self {
        self.settings.max_topic_len = bytes;
        self
    }

    /// How large an event may be on the wire, in bytes: 1 MiB unless set.
    pub const fn max_event_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_event_bytes = bytes;
        self
    }

    /// How much a topic's queue holds for subscribers that are slow, before it drops the oldest:
    /// 1,024 events and 1 MiB unless set, and one event at least.
    ///
    /// The bytes are those on the wire and what goes with them, as in [`History::bytes`]. The queue
    /// is one for all subscribers of a topic. What it drops, a subscriber reads from the history
    /// ([`LagPolicy::CatchUp`](super::LagPolicy::CatchUp)).
    pub const fn queue(mut self, events: usize, bytes: usize) -> Self {
        self.settings.queue = QueueBounds { events, bytes };
        self
    }

    /// The name of the event that tells of a [`Gap`](super::Gap): `gap` unless set.
    pub fn gap_event(mut self, name: EventName) -> Self {
        self.settings.gap_event = name;
        self
    }

    /// Makes ids that are the same in every run, for tests. Two hubs of one epoch take each other's
    /// ids for their own.
    pub const fn epoch(mut self, epoch: u64) -> Self {
        self.epoch = Some(Epoch::of(epoch));
        self
    }

    pub(super) fn into_parts(self) -> (Settings, usize, usize) {
        (self.settings, self.max_topics, self.max_history_bytes)
    }

    /// A hub in this process.
    pub fn build(self) -> Hub {
        let epoch = self.epoch.unwrap_or_else(Epoch::new);
        let ledger = Ledger::new(epoch, self.max_history_bytes, Arc::new(Meters::default()));
        Hub(Arc::new(Shared::new(
            self.settings,
            self.max_topics,
            ledger,
            None,
        )))
    }
}

impl Default for HubBuilder {
    fn default() -> Self {
        Self::new()
    }
}
