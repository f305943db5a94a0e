//! One topic: its history, its queue and its publish keys behind one lock.

mod cache;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU8};

use tokio::time::Instant;

use self::cache::Cache;
pub(super) use self::cache::{Fed, Missing, Refilled};
use super::{
    history::{History, Page, PageLimit, Shelf},
    keys::Keys,
    ledger::Ledger,
    live::{Live, QueueBounds, Receiver},
    message::{Draft, Mark, Message},
};

pub(super) struct Topic {
    pub(super) name: Arc<str>,
    state: Mutex<State>,
    /// How far what is here can be relied upon, to be read without the lock.
    standing: AtomicU8,
}

struct State {
    shelf: Shelf,
    /// There for as long as there are subscribers.
    live: Option<Live>,
    subscribers: usize,
    keys: Keys,
    /// The place behind the newest message.
    end: Mark,
    /// Whether the topic was taken off the hub. Another one of its name may be there by now.
    is_gone: bool,
    /// There where the topic is an engine's.
    cache: Option<Cache>,
}

/// What became of an attempt to publish.
pub(super) enum Outcome {
    Published {
        sequence: u64,
        /// Whether the topic is of no use now: the message is not kept, and nobody is subscribed.
        is_unused: bool,
    },
    /// It was published before, with the same key.
    Known(u64),
    /// The topic is not the hub's any more.
    Gone,
    /// There is no room for it, and it would not be enough to make some here.
    Full,
}

impl Topic {
    pub(super) fn new(name: Arc<str>, history: History, unknown: u64) -> Self {
        Self {
            name,
            state: Mutex::new(State {
                shelf: Shelf::new(history, unknown),
                live: None,
                subscribers: 0,
                keys: Keys::default(),
                end: Mark {
                    sequence: unknown,
                    count: Some(0),
                },
                is_gone: false,
                cache: None,
            }),
            standing: AtomicU8::new(cache::CURRENT),
        }
    }

    /// Publishes the draft, unless it is left where it is.
    pub(super) fn publish(
        &self,
        draft: &mut Option<Draft>,
        key: Option<&str>,
        ledger: &Ledger,
    ) -> Outcome {
        let mut state = self.state();
        if state.is_gone {
            return Outcome::Gone;
        }
        let now = Instant::now();
        ledger.release(state.expire(now));
        if let Some(known) = key.and_then(|key| state.keys.get(key)) {
            return Outcome::Known(known);
        }
        let Some(cost) = draft.as_ref().map(Draft::cost) else {
            return Outcome::Gone;
        };
        let is_kept = state.shelf.keeps(cost);
        let needed = if is_kept { cost } else { 0 } + key.map_or(0, Keys::cost);
        if !state.make_room(cost, is_kept, needed, ledger) {
            return Outcome::Full;
        }
        let Some(draft) = draft.take() else {
            return Outcome::Gone;
        };
        let sequence = ledger.next();
        let name = Arc::clone(&self.name);
        let message = draft.publish(ledger.epoch(), name, sequence, state.end, now);
        state.end = message.behind();
        if let Some(key) = key {
            state.keys.remember(key, sequence, now);
        }
        if is_kept {
            state.shelf.keep(message.clone());
        } else {
            ledger.release(state.shelf.pass(&message));
        }
        let waiting = state.live.as_mut().map(|live| live.send(message));
        let is_unused = state.is_unused();
        drop(state);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
        Outcome::Published {
            sequence,
            is_unused,
        }
    }

    /// Another subscriber: what it gets from now on, and the place from which that is, which is not
    /// known of a topic that is not open yet. `None` if the topic is gone.
    pub(super) fn attach(&self, bounds: QueueBounds) -> Option<(Receiver, Option<Mark>)> {
        let mut state = self.state();
        if state.is_gone {
            return None;
        }
        let receiver = if let Some(live) = &state.live {
            live.receiver()
        } else {
            let (live, receiver) = Live::new(bounds, state.end.sequence);
            state.live = Some(live);
            receiver
        };
        state.subscribers += 1;
        let is_open = state.cache.as_ref().is_none_or(Cache::is_open);
        Some((receiver, is_open.then_some(state.end)))
    }

    /// A subscriber less. Answers whether the topic is of no use now.
    pub(super) fn detach(&self, receiver: Receiver) -> bool {
        let mut state = self.state();
        // In the lock, since a queue that its last receiver leaves is closed.
        drop(receiver);
        state.subscribers -= 1;
        if state.subscribers == 0 {
            state.live = None;
            if let Some(cache) = &mut state.cache {
                cache.idle_since = Instant::now();
            }
        }
        state.is_unused()
    }

    pub(super) fn subscribers(&self) -> usize {
        self.state().subscribers
    }

    /// Waits until whoever is about to publish with an id that is given out already has done so.
    pub(super) fn settle(&self) {
        drop(self.state());
    }

    /// The place of a reader that has seen everything up to this number.
    pub(super) fn place(&self, sequence: u64) -> Mark {
        let state = self.state();
        state.shelf.place(sequence, state.end)
    }

    /// The number from which on something is, or may be, behind a place. `None` if nothing is.
    pub(super) fn begins_behind(&self, place: Mark) -> Option<u64> {
        let state = self.state();
        let is_empty = state.end.sequence <= place.sequence && self.is_settled();
        let first = state.shelf.first_behind(place.sequence);
        first.or((!is_empty).then_some(place.sequence))
    }

    /// The place that has the newest `count` messages up to this number behind it.
    /// Tells whether they are all here.
    pub(super) fn place_before_newest(
        &self,
        count: usize,
        up_to: u64,
        ledger: &Ledger,
    ) -> (Mark, bool) {
        let state = self.swept(Instant::now(), ledger);
        state.shelf.place_before_newest(count, up_to, state.end)
    }

    /// What is kept between two places.
    pub(super) fn read(&self, from: Mark, to: Mark, limit: PageLimit, ledger: &Ledger) -> Page {
        let state = self.swept(Instant::now(), ledger);
        state.shelf.read(from, to, limit)
    }

    /// The newest message, if it is kept.
    pub(super) fn newest(&self, ledger: &Ledger) -> Option<Message> {
        let state = self.swept(Instant::now(), ledger);
        state.shelf.newest().cloned()
    }

    /// Lets go of what is old. Answers whether the topic is of no use now.
    pub(super) fn sweep(&self, now: Instant, ledger: &Ledger) -> bool {
        self.swept(now, ledger).is_unused()
    }

    /// Ends the topic if it is of no use. Answers the number of its last message if it did.
    pub(super) fn retire(&self) -> Option<u64> {
        let mut state = self.state();
        state.is_gone |= state.is_unused();
        state.is_gone.then_some(state.end.sequence)
    }

    /// The state, without what is old.
    fn swept(&self, now: Instant, ledger: &Ledger) -> MutexGuard<'_, State> {
        let mut state = self.state();
        ledger.release(state.expire(now));
        state
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_unused(&self) -> bool {
        let is_kept = match &self.cache {
            Some(cache) => !cache.is_idle(),
            None => !self.shelf.is_empty() || !self.keys.is_empty(),
        };
        self.subscribers == 0 && !is_kept
    }

    fn expire(&mut self, now: Instant) -> usize {
        self.shelf.expire(now) + self.keys.expire(now)
    }

    /// Takes the bytes that a message needs, here and in the hub as a whole.
    fn make_room(&mut self, cost: usize, is_kept: bool, needed: usize, ledger: &Ledger) -> bool {
        let own = self.shelf.bytes();
        // Nothing is thrown away for a message that is refused all the same.
        if needed > own && !ledger.has_room(needed - own) {
            return false;
        }
        if is_kept {
            ledger.release(self.shelf.make_room(cost));
        }
        while !ledger.reserve(needed) {
            let freed = self.shelf.evict();
            if freed == 0 {
                return false;
            }
            ledger.release(freed);
        }
        true
    }
}
