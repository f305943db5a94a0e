//! The publish keys of a topic.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

/// In the order in which they were published, which is not quite that in which they are forgotten
/// where nodes differ in how long they remember.
#[derive(Default)]
pub(super) struct Keys {
    sequences: HashMap<Arc<str>, u64>,
    oldest_first: VecDeque<(Instant, Arc<str>)>,
}

impl Keys {
    pub(super) fn is_empty(&self) -> bool {
        self.oldest_first.is_empty()
    }

    /// What was published with this key.
    pub(super) fn get(&self, key: &str) -> Option<u64> {
        self.sequences.get(key).copied()
    }

    pub(super) fn remember(&mut self, key: &str, sequence: u64, until: Instant) {
        let key: Arc<str> = key.into();
        self.sequences.insert(Arc::clone(&key), sequence);
        self.oldest_first.push_back((until, key));
    }

    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((until, _)) = self.oldest_first.front() {
            if now < *until {
                break;
            }
            if let Some((_, key)) = self.oldest_first.pop_front() {
                self.sequences.remove(&key);
            }
        }
    }
}

/// When that is, or so far ahead that it makes no difference.
pub(super) fn later(now: Instant, by: Duration) -> Instant {
    let far = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    now.checked_add(by).unwrap_or_else(|| now + far)
}
