//! Reads what a topic has missed, until it is in step again.

use std::sync::{Arc, Weak};

use super::{PAGE, backoff::backoff};
use crate::{
    backplane::{Backplane, BackplaneError, Page},
    hub::{
        position::Epoch,
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
        };
        let permits = Arc::clone(&node.refills);
        node.runtime.spawn(async move {
            if let Ok(_permit) = permits.acquire().await {
                refill.run().await;
            }
        });
    }
}

struct Refill {
    shared: Weak<Shared>,
    engine: Arc<dyn Backplane>,
    topic: Arc<Topic>,
    failures: u32,
    fruitless: u32,
}

impl Refill {
    async fn run(mut self) {
        while let Some(missing) = self.topic.missing() {
            let page = self
                .engine
                .read(&self.topic.name, missing.after, PAGE)
                .await;
            let Some(shared) = self.shared.upgrade() else {
                return;
            };
            if !self.took(&shared, missing, page) {
                return;
            }
            drop(shared);
            let pauses = self.failures.max(self.fruitless);
            if pauses > 0 {
                tokio::time::sleep(backoff(pauses)).await;
            }
        }
    }

    /// Answers whether to go on.
    fn took(
        &mut self,
        shared: &Arc<Shared>,
        missing: Missing,
        page: Result<Page, BackplaneError>,
    ) -> bool {
        let Some(node) = &shared.node else {
            return false;
        };
        match page {
            Ok(page) if Epoch::of(page.epoch) != shared.ledger.epoch() => {
                // What that means is for the driver to find out.
                drop(node.frontier());
                false
            }
            Ok(page) => {
                self.failures = 0;
                let is_last = self.fruitless + 1 >= FRUITLESS;
                match self.topic.refill(missing, page, is_last, shared) {
                    Refilled::Whole => return false,
                    Refilled::Partly => self.fruitless = 0,
                    Refilled::NotAtAll => self.fruitless += 1,
                }
                true
            }
            // It is begun anew when the engine is back.
            Err(_) if !node.is_connected() => false,
            Err(error) => {
                tracing::warn!(
                    target: crate::observe::TARGET,
                    topic = &*self.topic.name,
                    error = &error as &dyn std::error::Error,
                    "what a topic has missed can't be read",
                );
                self.failures = self.failures.saturating_add(1);
                true
            }
        }
    }
}

impl Drop for Refill {
    fn drop(&mut self) {
        self.topic.end_refill();
    }
}
