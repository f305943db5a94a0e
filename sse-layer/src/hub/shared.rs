//! What all handles of a hub share.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::time::Instant;

use super::{
    error::{PublishError, TopicError},
    history::History,
    ledger::Ledger,
    live::{QueueBounds, Receiver},
    message::{Draft, Mark},
    node::Node,
    position::Epoch,
    stats::{Counts, EngineStats, HubStats},
    sweep,
    topic::{Outcome, Topic},
    topics::Topics,
};
use crate::{backplane::Place, event::EventName};

/// What a hub is set to.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) history: History,
    pub(super) queue: QueueBounds,
    pub(super) max_topic_len: usize,
    pub(super) max_event_bytes: usize,
    pub(super) gap_event: EventName,
}

pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) topics: Topics,
    pub(super) ledger: Ledger,
    pub(super) counts: Counts,
    pub(super) is_swept: AtomicBool,
    /// There where the topics are an engine's.
    pub(super) node: Option<Node>,
    made_at: Instant,
    /// When a sweep for want of room may be next, in milliseconds after the hub was made.
    next_sweep: AtomicU64,
}

/// So many topics one subscription may be to.
pub(super) const MAX_SUBSCRIBED: usize = 1024;

/// How long a publish key may be, in bytes.
pub(super) const MAX_KEY_LEN: usize = 256;

/// The time between sweeps for want of room, in milliseconds: each looks at all topics.
const BETWEEN_SWEEPS: u64 = 1000;

impl Shared {
    pub(super) fn new(
        settings: Settings,
        max_topics: usize,
        ledger: Ledger,
        node: Option<Node>,
    ) -> Self {
        Self {
            topics: Topics::new(max_topics, settings.history, node.is_some()),
            settings,
            counts: Counts::new(Arc::clone(&ledger.meters)),
            ledger,
            is_swept: AtomicBool::new(false),
            node,
            made_at: Instant::now(),
            next_sweep: AtomicU64::new(0),
        }
    }

    pub(super) fn check_name(&self, name: &str) -> Result<(), TopicError> {
        let (len, max) = (name.len(), self.settings.max_topic_len);
        if len == 0 {
            return Err(TopicError::EmptyName);
        }
        if len > max {
            return Err(TopicError::NameTooLong { len, max });
        }
        Ok(())
    }

    /// Whether the hub takes what somebody wants to publish.
    pub(super) fn check(
        &self,
        name: &str,
        draft: &Draft,
        key: Option<&str>,
    ) -> Result<(), PublishError> {
        self.check_name(name)?;
        let (len, max) = (draft.len(), self.settings.max_event_bytes);
        if len > max {
            return Err(PublishError::EventTooLarge { len, max });
        }
        if let Some(len) = key.map(str::len).filter(|len| *len > MAX_KEY_LEN) {
            let max = MAX_KEY_LEN;
            return Err(PublishError::KeyTooLong { len, max });
        }
        Ok(())
    }

    /// Publishes the draft, which was checked. Answers its number, or that of the message that was
    /// published with the same key before.
    pub(super) fn publish(
        self: &Arc<Self>,
        name: &str,
        draft: Draft,
        key: Option<&str>,
    ) -> Result<u64, PublishError> {
        let is_kept = !self.settings.history.is_off() || key.is_some();
        if !is_kept {
            if let Some(sequence) = self.topics.pass(name, || self.ledger.next()) {
                self.counts.published();
                return Ok(sequence);
            }
        }
        let mut draft = Some(draft);
        let mut has_swept = false;
        loop {
            let topic = self.topic(name)?;
            match topic.publish(&mut draft, key, &self.ledger) {
                Outcome::Published {
                    sequence,
                    is_unused,
                } => {
                    self.counts.published();
                    if is_unused {
                        self.retire(&[topic]);
                    } else if is_kept {
                        sweep::begin(self);
                    }
                    return Ok(sequence);
                }
                Outcome::Known(sequence) => return Ok(sequence),
                Outcome::Gone => {}
                Outcome::Full if !has_swept && self.may_sweep() => {
                    has_swept = true;
                    self.sweep();
                }
                Outcome::Full => {
                    self.retire(&[topic]);
                    let max = self.ledger.max_bytes();
                    return Err(PublishError::HistoryFull { max });
                }
            }
        }
    }

    /// Attaches to the live messages of a topic.
    pub(super) fn attach(
        &self,
        name: &str,
    ) -> Result<(Arc<Topic>, Receiver, Option<Mark>), TopicError> {
        loop {
            let topic = self.topic(name)?;
            if let Some((receiver, attached)) = topic.attach(self.settings.queue) {
                return Ok((topic, receiver, attached));
            }
        }
    }

    pub(super) fn detach(&self, topic: Arc<Topic>, receiver: Receiver) {
        if topic.detach(receiver) {
            self.retire(&[topic]);
        }
    }

    pub(super) fn stats(&self) -> HubStats {
        HubStats {
            topics: self.topics.len(),
            history_bytes: self.ledger.bytes(),
            engine: self.node.as_ref().map(|node| EngineStats {
                is_connected: node.is_connected(),
                outages: node.outages(),
                reads: node.engine_reads(),
            }),
            ..self.counts.stats()
        }
    }

    /// Lets go of everything that is old.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        let mut unused = self.topics.all();
        unused.retain(|topic| topic.sweep(now, &self.ledger));
        if !unused.is_empty() {
            self.retire(&unused);
        }
    }

    /// Goes on in another epoch of the engine, which has lost what was before, unless that is known.
    pub(super) fn begin_epoch(&self, from: Epoch, place: Place) {
        let to = Epoch::of(place.epoch);
        let take_all = || self.topics.take_all();
        let Some(lost) = self.ledger.begin_epoch(from, to, place.sequence, take_all) else {
            return;
        };
        self.ledger.meters.topics(-(lost.len() as f64));
        for topic in &lost {
            topic.lose(&self.ledger);
        }
        if let Some(node) = &self.node {
            node.leave(lost);
        }
    }

    fn topic(&self, name: &str) -> Result<Arc<Topic>, TopicError> {
        let (topic, is_new) = match self.topics.get_or_make(name) {
            // Some may be there for what is old alone.
            Err(TopicError::TooMany { .. }) if self.may_sweep() => {
                self.sweep();
                self.topics.get_or_make(name)?
            }
            made => made?,
        };
        if is_new {
            self.ledger.meters.topics(1.0);
            if let Some(node) = &self.node {
                node.open(Arc::clone(&topic));
            }
        }
        Ok(topic)
    }

    fn retire(&self, topics: &[Arc<Topic>]) {
        let retired = self.topics.retire(topics);
        if !retired.is_empty() {
            self.ledger.meters.topics(-(retired.len() as f64));
            if let Some(node) = &self.node {
                for topic in &retired {
                    topic.clear(&self.ledger);
                }
                node.leave(retired);
            }
        }
    }

    /// Whether a sweep for want of room is due. A hub that is full should not look at all its
    /// topics for every message that it refuses.
    fn may_sweep(&self) -> bool {
        let now = u64::try_from(self.made_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        let due = self.next_sweep.load(Ordering::Relaxed);
        due <= now
            && self
                .next_sweep
                .compare_exchange(
                    due,
                    now.saturating_add(BETWEEN_SWEEPS),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok()
    }
}

impl Drop for Shared {
    /// The gauges are those of all hubs together.
    fn drop(&mut self) {
        self.ledger.meters.topics(-(self.topics.len() as f64));
        self.ledger.release(self.ledger.bytes());
    }
}
