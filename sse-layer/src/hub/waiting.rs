//! Those who have read all that is in a topic's queue.

use std::{
    mem,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
};

use slab::Slab;

/// Who waits for the next message of a queue. They wait in a list, not each in a place of its own,
/// so that to wait is to put a waker into it and to wake is to take the list.
pub(super) struct Waiting {
    /// The number of the newest message that is in the queue, or was.
    newest: AtomicU64,
    list: Mutex<List>,
}

#[derive(Default)]
struct List {
    wakers: Slab<Waker>,
    /// How often they were woken.
    round: u64,
}

/// Where somebody's waker is, until all are woken.
pub(super) struct Place {
    round: u64,
    key: usize,
}

/// Those who waited for what is there now. They are woken outside of locks, which they will ask for.
#[must_use]
pub(super) struct Woken(Slab<Waker>);

impl Woken {
    pub(super) fn wake(self) {
        self.0.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

impl Waiting {
    pub(super) fn new(newest: u64) -> Self {
        Self {
            newest: AtomicU64::new(newest),
            list: Mutex::default(),
        }
    }

    pub(super) fn newest(&self) -> u64 {
        self.newest.load(Ordering::Acquire)
    }

    /// A message has come into the queue.
    pub(super) fn came(&self, sequence: u64) -> Woken {
        // First, for those who look again when they are in the list.
        self.newest.store(sequence, Ordering::Release);
        self.all()
    }

    /// All who wait, whatever for.
    pub(super) fn all(&self) -> Woken {
        let mut list = self.list();
        list.round += 1;
        // The same will wait again.
        let again = Slab::with_capacity(list.wakers.len());
        Woken(mem::replace(&mut list.wakers, again))
    }

    /// Waits, if this waker doesn't already. Whoever does must look once more whether something
    /// has come.
    pub(super) fn wait(&self, place: &mut Option<Place>, waker: &Waker) {
        let mut list = self.list();
        let replaced = match list.at(place.as_ref()) {
            Some(known) if known.will_wake(waker) => None,
            Some(known) => Some(mem::replace(known, waker.clone())),
            None => {
                *place = Some(Place {
                    round: list.round,
                    key: list.wakers.insert(waker.clone()),
                });
                None
            }
        };
        drop(list);
        // Whatever else that does, it does without the lock.
        drop(replaced);
    }

    /// Waits no more.
    pub(super) fn leave(&self, place: Place) {
        let mut list = self.list();
        let waker = match list.round == place.round {
            true => list.wakers.try_remove(place.key),
            false => None,
        };
        drop(list);
        drop(waker);
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.list().wakers.len()
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    fn at(&mut self, place: Option<&Place>) -> Option<&mut Waker> {
        let place = place.filter(|place| place.round == self.round)?;
        self.wakers.get_mut(place.key)
    }
}
