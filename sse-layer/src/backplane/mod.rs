//! What carries events between nodes: an engine that gives each event its number, keeps the latest
//! of them, and hands them to every node that listens.
//!
//! A [`Hub`](crate::hub::Hub) is a node. It reaches an engine by
//! [`Hub::connect`](crate::hub::Hub::connect), or by
//! [`HubBuilder::backplane`](crate::hub::HubBuilder::backplane) for an engine of one's own, which is
//! whatever implements [`Backplane`].
//!
//! # What travels
//!
//! The event as it goes over the wire to clients, without its id line: `event: tick\ndata: 1\n\n`.
//! The engine numbers it; each node puts the id in front of it, once, and all of the node's
//! subscribers share the bytes.
//!
//! # The rules
//!
//! Of an engine that keeps to these, the hub makes streams in which nothing is lost silently and
//! nothing comes twice. The public suite (`sse_layer::conformance`, feature `conformance`) tests an engine against them.
//!
//! **Numbers.** A number is more than any that the engine has given before, over all topics and
//! all nodes. Numbers need not follow one another without holes. An engine that has lost what it
//! held, so that it can't keep to that, takes another epoch.
//!
//! **Order.** What an [`Inbox`] is handed comes one at a time, and in the order of numbers over
//! all topics that the node listens to, for as long as the engine is connected. Each message tells
//! the number of the one before it in its topic, so that whatever an engine did not hand over
//! shows; the node reads that.
//!
//! **Threads.** All methods may be called from any task and any thread, at once. An inbox is called
//! from one task at a time. It never waits and never calls the engine back.
//!
//! **Failure.** Each call ends within a bounded time. A failed call can be repeated. An engine that
//! is not reached goes on trying by itself, with pauses that grow and are spread by chance, and
//! without end; once it is connected again, it listens to all topics that it listened to before,
//! and only then says so. What was published meanwhile is not handed over but read by the node.
//!
//! **Dropping.** When the engine's last handle is dropped, what it has running ends, and it lets go
//! of its inbox.

mod error;
pub mod memory;
#[cfg(feature = "nats")]
pub mod nats;
#[cfg(feature = "redis")]
pub mod redis;

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;

pub use self::error::{BackplaneError, Failure};

/// What an engine's methods answer.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An engine as one node sees it. The module's page tells [the rules](self).
pub trait Backplane: Send + Sync + 'static {
    /// Connects, and hands over to this inbox from now on. Called once, before anything else.
    ///
    /// # Errors
    ///
    /// That the engine can't be reached or does not let this node in. Here it is not tried again:
    /// whoever starts a node wants to know.
    fn open(
        &self,
        inbox: Arc<dyn Inbox>,
        bounds: Bounds,
    ) -> BoxFuture<'_, Result<(), BackplaneError>>;

    /// Publishes an event. Answers its place, or the place of the one that was published to this
    /// topic with the same key within the time that keys are remembered.
    ///
    /// # Errors
    ///
    /// [`Failure::Unknown`] where it may have been published all the same.
    fn publish<'a>(&'a self, event: Outgoing<'a>) -> BoxFuture<'a, Result<Place, BackplaneError>>;

    /// Listens to a topic: whatever is published to it after this has resolved is handed over, until
    /// [`leave`](Self::leave).
    ///
    /// # Errors
    ///
    /// That the engine is not reached, or does not allow it. Then it is as it was before the call.
    fn listen<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Result<(), BackplaneError>>;

    /// Listens to a topic no more, however often it was listened to. What is on its way may still be
    /// handed over. After that it can be listened to again, at once.
    fn leave(&self, topic: &str);

    /// A place up to which this node has been handed everything that was published to the topics
    /// that it listens to, but for what was published while it was not connected. It is at least
    /// the place of the last event that was published, to whichever topic, before the call.
    ///
    /// `at_least` is the newest place that the node was told of by the engine, never by a client. An
    /// engine that has lost the newest of its numbers, as after a failover, goes on behind that one,
    /// if it can; it ignores a place of another epoch.
    ///
    /// # Errors
    ///
    /// That the engine is not reached, or that it was not connected all the time.
    fn frontier(&self, at_least: Place) -> BoxFuture<'_, Result<Place, BackplaneError>>;

    /// Reads what is kept of a topic behind a number, in order, and not more than the limit; one
    /// event at least, if there is one. Whatever is beyond the [bounds](Bounds) is not kept.
    ///
    /// # Errors
    ///
    /// That the engine is not reached, or that what it holds can't be read.
    fn read<'a>(
        &'a self,
        topic: &'a str,
        after: u64,
        limit: ReadLimit,
    ) -> BoxFuture<'a, Result<Page, BackplaneError>>;

    /// Reads the newest events that are kept of a topic, in order, so many at most. Of such a page,
    /// nobody asks what is [missing](Page::missing).
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    fn newest<'a>(
        &'a self,
        topic: &'a str,
        limit: ReadLimit,
    ) -> BoxFuture<'a, Result<Page, BackplaneError>>;
}

/// What a node takes from its engine.
pub trait Inbox: Send + Sync + 'static {
    /// An event of a topic that the node listens to.
    fn message(&self, topic: &str, epoch: u64, message: Stored);

    /// The engine is not reached any more. What is published from now on is not handed over.
    fn disconnected(&self);

    /// The engine is reached again, and listens to all topics as before.
    fn reconnected(&self);
}

/// Where in all that an engine has published something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Tells the engine's numbers from those of another, or of the same before it lost its data.
    pub epoch: u64,
    /// Everything up to this number is behind it. 0 is before everything.
    pub sequence: u64,
}

/// An event on its way to the engine.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// The topic: any text that is not empty.
    pub topic: &'a str,
    /// The event on the wire, without its id.
    pub frame: &'a [u8],
    /// The publish key, by which an event that is published again is known. It is the topic's own.
    pub key: Option<&'a str>,
}

/// An event as the engine has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its number.
    pub sequence: u64,
    /// The number of the event before it in its topic; 0 if none is known. An engine that forgets
    /// what is older than twice the [age](Bounds::age) may not know it any more, and of the first of
    /// a [page](Page) it may be the number from which was read.
    pub previous: u64,
    /// The event on the wire, without its id. That it is one is for the node to see to.
    pub frame: Bytes,
}

/// Some of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The engine's epoch.
    pub epoch: u64,
    /// Something behind the number from which was read, and up to this one, is not kept any more,
    /// or may have been there. Never more than the newest number that the engine has given.
    pub missing: Option<u64>,
    /// What is kept, in order, all behind `missing`.
    pub messages: Vec<Stored>,
    /// Whether there was more than the limit.
    pub has_more: bool,
}

/// How much is read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimit {
    /// How many events.
    pub events: usize,
    /// About how many bytes.
    pub bytes: usize,
}

/// How much an engine keeps of each topic. It may hold more, but not give more. Where nodes differ,
/// what is thrown away goes by those of the node that publishes, and what is given by those of the
/// node that reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How many events; 0 keeps none.
    pub events: usize,
    /// How many bytes, where the engine can bound that a topic.
    pub bytes: usize,
    /// For how long.
    pub age: Duration,
    /// For how long publish keys are remembered, also of events that are not kept any more.
    pub keys: Duration,
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("topic", &self.topic)
            .field("len", &self.frame.len())
            .field("key", &self.key)
            .finish()
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("sequence", &self.sequence)
            .field("previous", &self.previous)
            .field("frame", &String::from_utf8_lossy(&self.frame))
            .finish()
    }
}
