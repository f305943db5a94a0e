//! Reads what a topic has missed, until it is in step again.

use std::sync::{Arc, Weak};

use tokio::sync::Semaphore;

use super::{PAGE, backoff::backoff};
use crate::{
    backplane::{Backplane, BackplaneError, Page},
    hub::{
        shared::Shared,
        topic::{Missing, Refilled, Topic},
    },
};

/// After so many pages in a row that bring nothing of what was announced, it is taken for lost.
const FRUITLESS: u32 = 6;

/// Begins, if nobody is at it.
pub(super) fn begin(shared: &Arc<Shared>, topic: Arc<Topic>) {
    let Some(node) = &shared.node else { return };
    if topic.begin_refill() {
        let refill = Refill {
            shared: Arc::downgrade(shared),
            engine: Arc::clone(&node.engine),
            topic,
            failures: 0,
            fruitless: 0,
            is_over: false,
        };
        let permits = Arc::clone(&node.refills);
        node.runtime
            .spawn(async move { refill.run(&permits).await });
    }
}

struct Refill {
    shared: Weak<Shared>,
    engine: Arc<dyn Backplane>,
    topic: Arc<Topic>,
    failures: u32,
    fruitless: u32,
    /// Whether it has ended in the topic's lock.
    is_over: bool,
}

impl Refill {
    async fn run(mut self, permits: &Semaphore) {
        while self.topic.missing().is_some() {
            // Given back before the next attempt: what can't be read is in nobody's way.
            let permit = permits.acquire().await;
            // In the time that took, the engine may have gone away, or the topic.
            let Some(missing) = self.topic.missing() else {
                break;
            };
            let page = self
                .engine
                .read(&self.topic.name, missing.after, PAGE)
                .await;
            drop(permit);
            let Some(shared) = self.shared.upgrade() else {
                return;
            };
            self.took(&shared, missing, page);
            drop(shared);
            let pauses = self.failures.max(self.fruitless);
            if pauses > 0 {
                tokio::time::sleep(backoff(pauses)).await;
            }
        }
        self.is_over = true;
    }

    fn took(&mut self, shared: &Arc<Shared>, missing: Missing, page: Result<Page, BackplaneError>) {
        match page {
            Ok(page) => {
                let is_last = self.fruitless + 1 >= FRUITLESS;
                self.failures = 0;
                match self.topic.refill(missing, page, is_last, shared) {
                    Refilled::Somewhat => self.fruitless = 0,
                    Refilled::NotAtAll => self.fruitless += 1,
                    Refilled::Foreign => {
                        // What that means is for the driver to find out.
                        shared.node.iter().for_each(|node| drop(node.frontier()));
                        self.failures = 1;
                    }
                }
            }
            Err(error) => {
                tracing::warn!(
                    target: crate::observe::TARGET,
                    topic = &*self.topic.name,
                    error = &error as &dyn std::error::Error,
                    "what a topic has missed can't be read",
                );
                self.failures = self.failures.saturating_add(1);
            }
        }
    }
}

impl Drop for Refill {
    fn drop(&mut self) {
        // Where it was cut short: by a runtime that ends, or an engine that panics.
        if !self.is_over {
            self.topic.end_refill();
        }
    }
}
