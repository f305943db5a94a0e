//! What a node is handed over, taken down.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

use super::failed::Failed;
use crate::backplane::{Inbox, Stored};

/// So long a check waits for something to be handed over.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The inbox of a node.
#[derive(Default)]
pub(super) struct Seen {
    messages: Mutex<Vec<Message>>,
    /// Whether the engine was reached, as it was told.
    told: Mutex<Vec<bool>>,
    changed: Notify,
    /// Whether it is being called, and whether it was called once more meanwhile.
    is_called: AtomicBool,
    was_called_at_once: AtomicBool,
}

/// A message as it was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) epoch: u64,
    pub(super) event: Stored,
}

impl Seen {
    pub(super) fn all(&self) -> Vec<Message> {
        self.lock().clone()
    }

    pub(super) fn of(&self, topic: &str) -> Vec<Stored> {
        self.lock()
            .iter()
            .filter(|message| message.topic == topic)
            .map(|message| message.event.clone())
            .collect()
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Whether a message of this number was handed over.
    pub(super) fn has(&self, sequence: u64) -> bool {
        self.lock()
            .iter()
            .any(|message| message.event.sequence == sequence)
    }

    /// Waits until a message of this number was handed over.
    pub(super) async fn until_has(&self, sequence: u64) -> Result<(), Failed> {
        let what = format!("the message {sequence}");
        self.until(&what, |messages| {
            messages
                .iter()
                .any(|message| message.event.sequence == sequence)
        })
        .await
    }

    /// Waits until so many messages were handed over.
    pub(super) async fn until_count(&self, count: usize) -> Result<(), Failed> {
        self.until(&format!("{count} messages"), |messages| {
            messages.len() >= count
        })
        .await
    }

    async fn until(&self, what: &str, is_so: impl Fn(&[Message]) -> bool) -> Result<(), Failed> {
        let is_so = self.wait(|| is_so(&self.lock())).await;
        self.ensure_called_in_turn()?;
        if !is_so {
            let count = self.count();
            return Err(Failed::new(format!(
                "{what} to be handed over was waited for in vain; {count} messages were"
            )));
        }
        Ok(())
    }

    /// Waits until it was told so many times that the engine is not reached or that it is again,
    /// in turns.
    pub(super) async fn until_told(&self, times: usize) -> Result<(), Failed> {
        let told = || self.told.lock().unwrap_or_else(PoisonError::into_inner);
        self.wait(|| told().len() >= times).await;
        self.ensure_called_in_turn()?;
        let told = told().clone();
        let expected: Vec<bool> = (0..times).map(|n| n % 2 == 1).collect();
        if told != expected {
            return Err(Failed::new(format!(
                "it should have been told that the engine is reached: {expected:?}, and was told: \
                 {told:?}"
            )));
        }
        Ok(())
    }

    /// Waits for a condition. Answers whether it came about.
    async fn wait(&self, is_so: impl Fn() -> bool) -> bool {
        let waited = timeout(PATIENCE, async {
            loop {
                let changed = self.changed.notified();
                if is_so() {
                    return;
                }
                changed.await;
            }
        });
        waited.await.is_ok()
    }

    fn ensure_called_in_turn(&self) -> Result<(), Failed> {
        match self.was_called_at_once.load(Ordering::SeqCst) {
            true => Err(Failed::new("an inbox was called while it was called")),
            false => Ok(()),
        }
    }

    fn tell(&self, is_reached: bool) {
        self.take(|| {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.push(is_reached);
        });
    }

    fn take(&self, note: impl FnOnce()) {
        if self.is_called.swap(true, Ordering::SeqCst) {
            self.was_called_at_once.store(true, Ordering::SeqCst);
        }
        note();
        self.is_called.store(false, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Message>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inbox for Seen {
    fn message(&self, topic: &str, epoch: u64, message: Stored) {
        self.take(|| {
            self.lock().push(Message {
                topic: topic.to_owned(),
                epoch,
                event: message,
            });
        });
    }

    fn disconnected(&self) {
        self.tell(false);
    }

    fn reconnected(&self) {
        self.tell(true);
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use super::*;

    fn message(sequence: u64) -> Stored {
        Stored {
            sequence,
            previous: sequence - 1,
            frame: "x".into(),
        }
    }

    #[tokio::test]
    async fn an_inbox_that_is_called_in_turn_is_fine_and_one_that_is_called_at_once_is_not() {
        let seen = Arc::new(Seen::default());
        seen.message("t", 1, message(1));
        seen.disconnected();
        seen.reconnected();
        seen.until_has(1).await.unwrap();
        seen.until_told(2).await.unwrap();
        // Both are in the inbox until this lets them.
        let lock = seen.lock();
        let calls = [2, 3].map(|sequence| {
            let seen = Arc::clone(&seen);
            thread::spawn(move || seen.message("t", 1, message(sequence)))
        });
        while !seen.was_called_at_once.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        drop(lock);
        for call in calls {
            call.join().unwrap();
        }
        assert!(seen.until_has(2).await.is_err());
        assert!(seen.until_told(2).await.is_err());
    }
}
