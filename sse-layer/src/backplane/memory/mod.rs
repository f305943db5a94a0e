//! An engine in this process, for several hubs of it: for tests of what many nodes do, with
//! outages as they are wanted, and as a model for an engine of one's own.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), sse_layer::BoxError> {
//! use sse_layer::backplane::{Backplane, Outgoing, ReadLimit, memory::Memory};
//! # use std::{sync::Arc, time::Duration};
//! # use sse_layer::backplane::{Bounds, Inbox, Stored};
//! # struct Nobody;
//! # impl Inbox for Nobody {
//! #     fn message(&self, _: &str, _: u64, _: Stored) {}
//! #     fn disconnected(&self) {}
//! #     fn reconnected(&self) {}
//! # }
//! # let bounds = Bounds {
//! #     events: 10,
//! #     bytes: 1024,
//! #     age: Duration::from_secs(60),
//! #     keys: Duration::from_secs(60),
//! # };
//!
//! let one = Memory::new();
//! let another = one.node();
//! # one.open(Arc::new(Nobody), bounds).await?;
//! # another.open(Arc::new(Nobody), bounds).await?;
//!
//! let tick = Outgoing { topic: "ticks", frame: b"data: 1\n\n", key: None };
//! one.publish(tick).await?;
//! let page = another.read("ticks", 0, ReadLimit { events: 10, bytes: 1024 }).await?;
//! assert_eq!(page.messages[0].frame, "data: 1\n\n");
//!
//! another.disconnect();
//! assert!(another.publish(tick).await.is_err());
//! # Ok(())
//! # }
//! ```

mod engine;
mod keys;
mod node;
mod topic;

use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::oneshot;

use self::engine::Engine;
use super::{
    Backplane, BackplaneError, Bounds, BoxFuture, Failure, Inbox, Outgoing, Page, Place, ReadLimit,
};

/// So long a call waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// One node of an engine in this process. A clone is the same node.
///
/// All time is tokio's, so that it stands still in a test that pauses it. Nothing runs by itself:
/// messages are handed over by whoever publishes, one caller at a time.
#[derive(Clone)]
pub struct Memory(Arc<Handle>);

struct Handle {
    engine: Arc<Engine>,
    node: usize,
}

impl Memory {
    /// An engine, and the first of its nodes.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Arc::default())
    }

    /// Another node of the same engine.
    #[must_use]
    pub fn node(&self) -> Self {
        Self::of(Arc::clone(&self.0.engine))
    }

    /// Cuts this node off: its calls fail, and nothing is handed over, also of what is on its way.
    pub fn disconnect(&self) {
        self.engine().lock().disconnect(self.0.node);
        self.engine().hand_over();
    }

    /// Lets this node reach the engine again.
    pub fn reconnect(&self) {
        self.engine().lock().reconnect(self.0.node);
        self.engine().hand_over();
    }

    /// Cuts all nodes off, as where the engine is down. Nodes that are made meanwhile are, too.
    pub fn stop(&self) {
        self.engine().lock().stop();
        self.engine().hand_over();
    }

    /// Lets all nodes reach the engine again.
    pub fn start(&self) {
        self.engine().lock().start();
        self.engine().hand_over();
    }

    /// Lets the engine forget all topics and all numbers, as after a restart without its data. The
    /// nodes stay as they are.
    pub fn lose_data(&self) {
        self.engine().lock().lose_data();
    }

    /// From now on this node's publishing fails like this, or no more. After
    /// [`Failure::Unknown`] the event is published, after the others it is not.
    pub fn refuse(&self, failure: impl Into<Option<Failure>>) {
        self.engine().lock().trouble(self.0.node).publishing = failure.into();
    }

    /// From now on this node's reading fails like this, or no more.
    pub fn refuse_reads(&self, failure: impl Into<Option<Failure>>) {
        self.engine().lock().trouble(self.0.node).reading = failure.into();
    }

    /// From now on this node's calls are answered so much later than they are done.
    pub fn answer_after(&self, delay: Duration) {
        self.engine().lock().trouble(self.0.node).delay = delay;
    }

    /// Holds back what is to be handed over to this node, until [`release`](Self::release). A node
    /// that is held back for too many messages is cut off and connected again, without them.
    pub fn hold(&self) {
        self.engine().lock().hold(self.0.node, true);
    }

    /// Hands over what was held back.
    pub fn release(&self) {
        self.engine().lock().hold(self.0.node, false);
        self.engine().hand_over();
    }

    fn of(engine: Arc<Engine>) -> Self {
        let node = engine.lock().add_node();
        Self(Arc::new(Handle { engine, node }))
    }

    fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Waits for as long as an answer is to take.
    async fn answer<T>(&self, answer: T) -> T {
        let delay = self.engine().lock().trouble(self.0.node).delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        answer
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("node", &self.0.node)
            .finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // The lock is given back first: with the node goes its inbox, and with that may go more.
        let node = self.engine.lock().remove_node(self.node);
        drop(node);
    }
}

impl Backplane for Memory {
    fn open(
        &self,
        inbox: Arc<dyn Inbox>,
        bounds: Bounds,
    ) -> BoxFuture<'_, Result<(), BackplaneError>> {
        Box::pin(async move {
            let opened = self.engine().lock().open(self.0.node, inbox, bounds);
            self.answer(opened).await
        })
    }

    fn publish<'a>(&'a self, event: Outgoing<'a>) -> BoxFuture<'a, Result<Place, BackplaneError>> {
        Box::pin(async move {
            let published = self.engine().lock().publish(self.0.node, event);
            self.engine().hand_over();
            self.answer(published).await
        })
    }

    fn listen<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Result<(), BackplaneError>> {
        Box::pin(async move {
            let listening = self.engine().lock().listen(self.0.node, topic);
            self.answer(listening).await
        })
    }

    fn leave(&self, topic: &str) {
        self.engine().lock().leave(self.0.node, topic);
    }

    fn frontier(&self, at_least: Place) -> BoxFuture<'_, Result<Place, BackplaneError>> {
        Box::pin(async move {
            let (reached, is_reached) = oneshot::channel();
            let place = self
                .engine()
                .lock()
                .frontier(self.0.node, at_least, reached)?;
            self.engine().hand_over();
            match tokio::time::timeout(PATIENCE, is_reached).await {
                Ok(Ok(())) => self.answer(Ok(place)).await,
                Ok(Err(_)) => Err(unavailable()),
                Err(late) => Err(BackplaneError::new(Failure::Unknown, late)),
            }
        })
    }

    fn read<'a>(
        &'a self,
        topic: &'a str,
        after: u64,
        limit: ReadLimit,
    ) -> BoxFuture<'a, Result<Page, BackplaneError>> {
        Box::pin(async move {
            let page = self.engine().lock().read(self.0.node, topic, after, limit);
            self.answer(page).await
        })
    }

    fn newest<'a>(
        &'a self,
        topic: &'a str,
        limit: ReadLimit,
    ) -> BoxFuture<'a, Result<Page, BackplaneError>> {
        Box::pin(async move {
            let page = self.engine().lock().newest(self.0.node, topic, limit);
            self.answer(page).await
        })
    }
}

fn unavailable() -> BackplaneError {
    BackplaneError::new(Failure::Unavailable, "this node is cut off")
}
