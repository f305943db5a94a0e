//! What the test has switched on, and what there is to count.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::chaos::Chaos;

#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) to_client: Faults,
    pub(super) to_server: Faults,
    pub(super) is_stalled: bool,
    pub(super) is_refusing: bool,
    pub(super) endings: Endings,
}

/// How often all connections were cut, and reset: those from before the last time are over.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Endings {
    pub(super) cuts: u64,
    pub(super) resets: u64,
}

/// The faults of one direction; each change has another number.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    pub(super) chaos: Chaos,
    pub(super) change: u64,
}

impl Faults {
    pub(super) fn set(&mut self, chaos: Chaos) {
        self.chaos = chaos;
        self.change += 1;
    }
}

#[derive(Debug, Default)]
pub(super) struct Count {
    open: AtomicUsize,
    accepted: AtomicUsize,
}

/// Counts as open as long as it lives.
pub(super) struct Open(Arc<Count>);

impl Count {
    pub(super) fn open_one(this: &Arc<Self>) -> Open {
        this.open.fetch_add(1, Ordering::Relaxed);
        this.accepted.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(this))
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
