//! What all topics of a hub draw on: its sequence of ids, and its memory.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use super::{meters::Meters, position::Epoch};

#[derive(Debug)]
pub(super) struct Ledger {
    epoch: AtomicU64,
    last: AtomicU64,
    /// Held while an engine's epoch changes, or one of its numbers is noted.
    engine: Mutex<()>,
    bytes: AtomicUsize,
    max_bytes: usize,
    pub(super) meters: Arc<Meters>,
}

impl Ledger {
    pub(super) fn new(epoch: Epoch, max_bytes: usize, meters: Arc<Meters>) -> Self {
        Self {
            epoch: AtomicU64::new(epoch.number()),
            last: AtomicU64::new(0),
            engine: Mutex::default(),
            bytes: AtomicUsize::new(0),
            max_bytes,
            meters,
        }
    }

    /// The sequence number of the next message. To be taken in the topic's lock: whoever passes
    /// through that afterwards finds the message there.
    pub(super) fn next(&self) -> u64 {
        self.last.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(super) fn epoch(&self) -> Epoch {
        Epoch::of(self.epoch.load(Ordering::SeqCst))
    }

    /// The epoch, and a number of which that is the epoch, or one that is over.
    pub(super) fn now(&self) -> (Epoch, u64) {
        // In this order, the opposite of that in which they change.
        let epoch = self.epoch();
        (epoch, self.last())
    }

    /// Goes on in another epoch, from this number, after what has to be done before that. `None` if
    /// it is not the first of these epochs any more.
    pub(super) fn begin_epoch<T>(
        &self,
        from: Epoch,
        to: Epoch,
        last: u64,
        before: impl FnOnce() -> T,
    ) -> Option<T> {
        let _engine = self.engine();
        (self.epoch() == from && from != to).then(|| {
            let done = before();
            self.last.store(last, Ordering::SeqCst);
            self.epoch.store(to.number(), Ordering::SeqCst);
            done
        })
    }

    /// Takes note of a number that an engine has given out in this epoch.
    pub(super) fn reached(&self, epoch: Epoch, sequence: u64) {
        let _engine = self.engine();
        if epoch == self.epoch() {
            self.last.fetch_max(sequence, Ordering::SeqCst);
        }
    }

    fn engine(&self) -> MutexGuard<'_, ()> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest number that was given out.
    pub(super) fn last(&self) -> u64 {
        self.last.load(Ordering::SeqCst)
    }

    /// The bytes that all histories take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::SeqCst)
    }

    pub(super) const fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Whether so many bytes more could be had.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        bytes <= self.max_bytes.saturating_sub(self.bytes())
    }

    /// Takes so many bytes, if they are there.
    pub(super) fn reserve(&self, bytes: usize) -> bool {
        if bytes == 0 {
            return true;
        }
        let taken = self
            .bytes
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |used| {
                used.checked_add(bytes)
                    .filter(|used| *used <= self.max_bytes)
            });
        if taken.is_ok() {
            self.meters.history_bytes(bytes as f64);
        }
        taken.is_ok()
    }

    pub(super) fn release(&self, bytes: usize) {
        if bytes > 0 {
            self.bytes.fetch_sub(bytes, Ordering::SeqCst);
            self.meters.history_bytes(-(bytes as f64));
        }
    }
}
