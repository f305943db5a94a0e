use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::Notify, time::timeout};

use crate::{
    load::{Fault, Sign, Watcher as _},
    modes::deliveries::Deliveries,
};

/// The deliveries, which the publisher and all subscribers share.
pub(super) struct Ledger {
    deliveries: Mutex<Deliveries>,
    moved: Notify,
    has_failed: AtomicBool,
}

impl Ledger {
    pub(super) fn new(subscribers: usize) -> Self {
        Self {
            deliveries: Mutex::new(Deliveries::new(subscribers)),
            moved: Notify::new(),
            has_failed: AtomicBool::new(false),
        }
    }

    pub(super) fn deliveries(&self) -> MutexGuard<'_, Deliveries> {
        self.deliveries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn opened(&self, subscriber: usize) {
        self.deliveries().opened(subscriber, Instant::now());
    }

    pub(super) fn sign(&self, subscriber: usize, sign: Sign) {
        self.deliveries().sign(subscriber, sign, Instant::now());
        self.moved.notify_one();
    }

    pub(super) fn ended(&self, subscriber: usize, fault: Fault) {
        self.deliveries()
            .ended(subscriber, Some(fault), Instant::now());
        self.fail();
    }

    pub(super) fn published(&self, result: Result<(), String>) {
        if let Err(error) = result {
            self.deliveries().note(error);
            self.fail();
        }
    }

    /// Waits until all have all that was published. Whether they do: what is missing is noted.
    pub(super) async fn complete(&self, deadline: Duration) -> bool {
        let complete = async {
            while !self.deliveries().is_complete() {
                if self.has_failed.load(Ordering::Acquire) {
                    return false;
                }
                self.moved().await;
            }
            !self.has_failed.load(Ordering::Acquire)
        };
        match timeout(deadline, complete).await {
            Ok(is_sound) => is_sound,
            Err(_) => {
                self.deliveries().note_missing(deadline);
                false
            }
        }
    }

    /// Waits until something has come, and not for ever.
    pub(super) async fn moved(&self) {
        let _ = timeout(Duration::from_millis(20), self.moved.notified()).await;
    }

    fn fail(&self) {
        self.has_failed.store(true, Ordering::Release);
        self.moved.notify_one();
    }
}
