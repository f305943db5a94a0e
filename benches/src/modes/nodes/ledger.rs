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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Note;

    const DEADLINE: Duration = Duration::from_millis(50);

    /// Two subscribers, and an event that the first of them has.
    fn ledger() -> Ledger {
        let ledger = Ledger::new(2);
        ledger.opened(0);
        ledger.opened(1);
        let body = ledger.deliveries().next_event(Instant::now());
        ledger.sign(0, Sign::Event(Note::read(body.as_bytes())));
        ledger
    }

    fn told(ledger: &Ledger) -> Vec<String> {
        let troubles = ledger.deliveries().troubles();
        troubles.iter().map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn what_all_have_is_complete() {
        let ledger = ledger();
        let event = Note {
            sequence: Some(1),
            sent: 0,
        };
        ledger.sign(1, Sign::Event(event));
        assert!(ledger.complete(DEADLINE).await);
        assert!(told(&ledger).is_empty());
    }

    #[tokio::test]
    async fn what_one_lacks_is_told_when_the_time_is_over() {
        let ledger = ledger();
        assert!(!ledger.complete(DEADLINE).await);
        let told = told(&ledger);
        assert!(
            told[0].starts_with("stalled: 1 of 2 connections"),
            "{told:?}"
        );
    }

    #[tokio::test]
    async fn a_failure_to_publish_is_told_and_not_waited_for() {
        let ledger = ledger();
        ledger.published(Err("refused".to_owned()));
        assert!(!ledger.complete(Duration::MAX).await);
        assert_eq!(told(&ledger), ["refused"]);
    }
}
