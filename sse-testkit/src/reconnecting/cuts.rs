//! The cuts that are still to come.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::cut::Cut;

/// After how many events each comes: shared by the client, and the body that is cut.
///
/// A server may end a connection before its cut, which then comes on the next one.
#[derive(Debug, Clone)]
pub(super) struct Cuts(Arc<Mutex<VecDeque<(usize, Cut)>>>);

impl Cuts {
    pub(super) fn new(cuts: Vec<(usize, Cut)>) -> Self {
        Self(Arc::new(Mutex::new(cuts.into())))
    }

    /// The next one, after so many more events.
    pub(super) fn next(&self) -> Option<(usize, Cut)> {
        self.lock().front().copied()
    }

    pub(super) fn left(&self) -> usize {
        self.lock().len()
    }

    /// An event has passed.
    pub(super) fn count(&self) {
        if let Some((events, _)) = self.lock().front_mut() {
            *events = events.saturating_sub(1);
        }
    }

    /// The connection was cut.
    pub(super) fn done(&self) {
        self.lock().pop_front();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(usize, Cut)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
