//! What a node is handed over, taken down.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
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

    fn tell(&self, is_reached: bool) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(is_reached);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Message>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inbox for Seen {
    fn message(&self, topic: &str, epoch: u64, message: Stored) {
        self.lock().push(Message {
            topic: topic.to_owned(),
            epoch,
            event: message,
        });
        self.changed.notify_waiters();
    }

    fn disconnected(&self) {
        self.tell(false);
    }

    fn reconnected(&self) {
        self.tell(true);
    }
}
