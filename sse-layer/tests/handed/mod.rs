//! What an engine has handed over to a node of a test.
#![allow(dead_code, reason = "each test crate uses its own part of it")]

use std::{sync::Mutex, time::Duration};

use sse_layer::backplane::{Inbox, Stored};
use tokio::{sync::Notify, time::timeout};

/// How long a test waits for something.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What a node was told, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Message(String, u64, Stored),
    Disconnected,
    Reconnected,
}

#[derive(Default)]
pub(crate) struct Seen {
    told: Mutex<Vec<Told>>,
    changed: Notify,
}

impl Seen {
    pub(crate) fn all(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    /// The frames of a topic.
    pub(crate) fn frames(&self, of: &str) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let frames = told.iter().filter_map(|told| match told {
            Told::Message(topic, _, stored) if topic == of => {
                Some(String::from_utf8_lossy(&stored.frame).into_owned())
            }
            _ => None,
        });
        frames.collect()
    }

    pub(crate) fn count(&self, what: &Told) -> usize {
        self.told
            .lock()
            .unwrap()
            .iter()
            .filter(|told| *told == what)
            .count()
    }

    /// Waits until this is so.
    pub(crate) async fn until(&self, is_so: impl Fn(&[Told]) -> bool) {
        let waited = timeout(PATIENCE, async {
            loop {
                let changed = self.changed.notified();
                if is_so(&self.told.lock().unwrap()) {
                    return;
                }
                changed.await;
            }
        });
        if waited.await.is_err() {
            let told = self.all();
            let last = &told[told.len().saturating_sub(10)..];
            panic!("in vain; {} were told, at last {last:?}", told.len());
        }
    }

    /// Waits until this was told so many times.
    pub(crate) async fn until_told(&self, what: &Told, count: usize) {
        self.until(|told| told.iter().filter(|told| *told == what).count() >= count)
            .await;
    }

    /// Waits until the connection was lost and is there again.
    pub(crate) async fn until_back(&self) {
        self.until_told(&Told::Disconnected, 1).await;
        self.until_told(&Told::Reconnected, 1).await;
    }

    /// That the connection goes before it comes back, and comes back before it goes again.
    pub(crate) fn assert_alternates(&self) {
        let mut is_up = true;
        for told in self.all() {
            match told {
                Told::Disconnected => assert!(std::mem::replace(&mut is_up, false)),
                Told::Reconnected => assert!(!std::mem::replace(&mut is_up, true)),
                Told::Message(..) => assert!(is_up, "handed over while disconnected"),
            }
        }
    }

    fn tell(&self, told: Told) {
        self.told.lock().unwrap().push(told);
        self.changed.notify_waiters();
    }
}

impl Inbox for Seen {
    fn message(&self, topic: &str, epoch: u64, message: Stored) {
        self.tell(Told::Message(topic.to_owned(), epoch, message));
    }

    fn disconnected(&self) {
        self.tell(Told::Disconnected);
    }

    fn reconnected(&self) {
        self.tell(Told::Reconnected);
    }
}
