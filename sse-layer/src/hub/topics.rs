//! The topics of a hub, by name.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher as _,
    sync::{
        Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{error::TopicError, history::History, topic::Topic};

pub(super) struct Topics {
    max: usize,
    history: History,
    is_of_engine: bool,
    by_name: RwLock<ByName>,
    gone: Gone,
}

type ByName = HashMap<Arc<str>, Arc<Topic>>;

impl Topics {
    pub(super) fn new(max: usize, history: History, is_of_engine: bool) -> Self {
        Self {
            max,
            history,
            is_of_engine,
            by_name: RwLock::default(),
            gone: Gone::new(max),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.read().len()
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<Topic>> {
        self.read().get(name).cloned()
    }

    /// The topic of this name, made if it is not there. Tells whether it was made.
    pub(super) fn get_or_make(&self, name: &str) -> Result<(Arc<Topic>, bool), TopicError> {
        if let Some(topic) = self.get(name) {
            return Ok((topic, false));
        }
        let mut by_name = self.write();
        if let Some(topic) = by_name.get(name) {
            return Ok((Arc::clone(topic), false));
        }
        if by_name.len() >= self.max {
            return Err(TopicError::TooMany { max: self.max });
        }
        let name: Arc<str> = name.into();
        let topic = Arc::new(match self.is_of_engine {
            true => Topic::of_engine(Arc::clone(&name), self.history),
            false => Topic::new(Arc::clone(&name), self.history, self.gone.last_of(&name)),
        });
        by_name.insert(name, Arc::clone(&topic));
        Ok((topic, true))
    }

    /// Takes note of a message in a topic that nobody needs: answers its number, or `None` if the
    /// topic is there.
    pub(super) fn pass(&self, name: &str, next: impl FnOnce() -> u64) -> Option<u64> {
        // Held until the number is noted: a topic that is made meanwhile would not know of it.
        let by_name = self.read();
        if by_name.contains_key(name) {
            return None;
        }
        let sequence = next();
        self.gone.note(name, sequence);
        Some(sequence)
    }

    /// All topics there are now.
    pub(super) fn all(&self) -> Vec<Arc<Topic>> {
        self.read().values().cloned().collect()
    }

    /// Takes off all topics.
    pub(super) fn take_all(&self) -> Vec<Arc<Topic>> {
        std::mem::take(&mut *self.write()).into_values().collect()
    }

    /// Takes off those of these topics that are of no use. Answers which they were.
    pub(super) fn retire(&self, topics: &[Arc<Topic>]) -> Vec<Arc<Topic>> {
        let mut by_name = self.write();
        let mut retired = Vec::new();
        for topic in topics {
            let is_here = by_name
                .get(&topic.name)
                .is_some_and(|here| Arc::ptr_eq(here, topic));
            if !is_here {
                continue;
            }
            if let Some(last) = topic.retire() {
                if !self.is_of_engine {
                    self.gone.note(&topic.name, last);
                }
                by_name.remove(&topic.name);
                retired.push(Arc::clone(topic));
            }
        }
        if by_name.capacity() > 64 && by_name.len() < by_name.capacity() / 4 {
            let few = by_name.len() * 2;
            by_name.shrink_to(few);
        }
        retired
    }

    fn read(&self) -> RwLockReadGuard<'_, ByName> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, ByName> {
        self.by_name.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of topics that are gone: that there was nothing in them behind some message.
///
/// A client that comes back to such a topic has missed something if it had not seen the last
/// message. Of any number of topics this remembers that in a fixed amount of memory: the names
/// share places, and each place has the last message of all its names. So a client may be told of
/// a gap that is none, but never not be told of one.
struct Gone {
    count: usize,
    places: OnceLock<Box<[AtomicU64]>>,
    hasher: RandomState,
}

impl Gone {
    /// A hub of many topics has as many places, up to a megabyte of them: in fewer nearly all who
    /// come back would be told of a gap that is none.
    fn new(max_topics: usize) -> Self {
        Self {
            count: max_topics.clamp(1024, 128 * 1024).next_power_of_two(),
            places: OnceLock::new(),
            hasher: RandomState::new(),
        }
    }

    fn note(&self, name: &str, last: u64) {
        if last > 0 {
            let places = self
                .places
                .get_or_init(|| (0..self.count).map(|_| AtomicU64::new(0)).collect());
            places[self.place(name)].fetch_max(last, Ordering::SeqCst);
        }
    }

    fn last_of(&self, name: &str) -> u64 {
        self.places
            .get()
            .map_or(0, |places| places[self.place(name)].load(Ordering::SeqCst))
    }

    fn place(&self, name: &str) -> usize {
        // Of a power of two the low bits are the remainder.
        self.hasher.hash_one(name) as usize & (self.count - 1)
    }
}
