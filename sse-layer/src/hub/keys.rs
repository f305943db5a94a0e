//! The publish keys of a topic, by which an event that is published again is known.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

/// For so long a publish key is remembered: as long as NATS JetStream remembers by default
/// ([`duplicate_window`](https://docs.nats.io/nats-concepts/jetstream/streams)).
pub(super) const REMEMBERED: Duration = Duration::from_secs(120);

/// What a key takes beside its text.
const BESIDE_THE_TEXT: usize = 112;

#[derive(Default)]
pub(super) struct Keys {
    sequences: HashMap<Arc<str>, u64>,
    oldest_first: VecDeque<(Instant, Arc<str>)>,
}

impl Keys {
    /// What a key takes while it is remembered, in bytes.
    pub(super) fn cost(key: &str) -> usize {
        key.len() + BESIDE_THE_TEXT
    }

    pub(super) fn is_empty(&self) -> bool {
        self.oldest_first.is_empty()
    }

    /// What was published with this key.
    pub(super) fn get(&self, key: &str) -> Option<u64> {
        self.sequences.get(key).copied()
    }

    pub(super) fn remember(&mut self, key: &str, sequence: u64, now: Instant) {
        let key: Arc<str> = key.into();
        self.sequences.insert(Arc::clone(&key), sequence);
        self.oldest_first.push_back((now, key));
    }

    /// Forgets what is old. Answers the bytes that became free.
    pub(super) fn expire(&mut self, now: Instant) -> usize {
        let mut freed = 0;
        while let Some((at, _)) = self.oldest_first.front() {
            if now.saturating_duration_since(*at) < REMEMBERED {
                break;
            }
            if let Some((_, key)) = self.oldest_first.pop_front() {
                freed += Self::cost(&key);
                self.sequences.remove(&key);
            }
        }
        if freed > 0 {
            self.shrink();
        }
        freed
    }

    /// Gives back the places of what is forgotten, which are most of what keys take.
    fn shrink(&mut self) {
        let few = self.oldest_first.len() * 2;
        if self.oldest_first.capacity() > 64.max(few * 2) {
            self.oldest_first.shrink_to(few);
            self.sequences.shrink_to(few);
        }
    }
}
