//! What an engine hands over.

use std::sync::{Arc, OnceLock, Weak, atomic::Ordering};

use crate::{
    backplane::{Inbox, Place, Stored},
    hub::{position::Epoch, shared::Shared, topic::Fed},
};

use super::wire;

/// The way from the engine into the hub's topics, which does not keep the hub.
#[derive(Default)]
pub(super) struct NodeInbox(OnceLock<Weak<Shared>>);

impl NodeInbox {
    /// Until then there is no topic, and nothing to hand over.
    pub(super) fn deliver_to(&self, shared: &Arc<Shared>) {
        let _ = self.0.set(Arc::downgrade(shared));
    }

    fn hub(&self) -> Option<Arc<Shared>> {
        self.0.get()?.upgrade()
    }
}

impl Inbox for NodeInbox {
    fn message(&self, topic: &str, epoch: u64, message: Stored) {
        let Some(shared) = self.hub() else { return };
        let Some(node) = &shared.node else { return };
        let (epoch, sequence) = (Epoch::of(epoch), message.sequence);
        let known = shared.ledger.epoch();
        if epoch != known {
            let place = Place {
                epoch: epoch.number(),
                sequence: 0,
            };
            shared.begin_epoch(known, place);
        }
        if let Some(topic) = shared.topics.get(topic) {
            let draft = wire::draft(&message.frame, shared.settings.max_event_bytes);
            if topic.feed(epoch, message, draft, &shared.ledger) == Fed::Hole {
                node.refill(topic);
            }
        }
        // Behind the message, for those who take this for the place up to which they have
        // everything.
        shared.ledger.reached(epoch, sequence);
    }

    fn disconnected(&self) {
        let Some(shared) = self.hub() else { return };
        let Some(node) = &shared.node else { return };
        node.is_connected.store(false, Ordering::SeqCst);
        node.outages.fetch_add(1, Ordering::SeqCst);
        tracing::warn!(target: crate::observe::TARGET, "the engine behind a hub is not reached");
        let last = shared.ledger.last();
        for topic in shared.topics.all() {
            topic.fall_behind(last);
        }
        // Whoever waits to publish is told by the engine.
        node.opened.notify_waiters();
    }

    fn reconnected(&self) {
        let Some(shared) = self.hub() else { return };
        let Some(node) = &shared.node else { return };
        tracing::info!(target: crate::observe::TARGET, "the engine behind a hub is reached again");
        node.is_connected.store(true, Ordering::SeqCst);
        node.work().is_back = Some(node.outages());
        node.wake.notify_one();
    }
}
