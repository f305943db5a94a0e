//! Broadcast: what is published to a topic reaches all who are subscribed to it, and those who
//! come back get what they missed.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! use futures_util::StreamExt as _;
//! use sse_layer::{Event, hub::Hub};
//!
//! let hub = Hub::memory();
//! let first = hub.publish("news", Event::text("one")).await?;
//! hub.publish("news", Event::text("two")).await?;
//!
//! // A client that has seen the first event, and was away for the second.
//! let mut news = hub.subscribe("news")?.after(first);
//! hub.publish("news", Event::text("three")).await?;
//! assert!(news.next().await.unwrap().as_bytes().ends_with(b"data: two\n\n"));
//! assert!(news.next().await.unwrap().as_bytes().ends_with(b"data: three\n\n"));
//! # Ok(())
//! # }
//! ```
//!
//! A [`Subscription`] is a stream of frames, which a handler gives to [`Sse::new`](crate::Sse::new).
//! Events are written once, and all subscribers share the bytes.
//!
//! # Ids
//!
//! The hub gives each event its id: the hub's epoch and a number that increases over all topics,
//! such as `0689ad1e9c85a3f1-41`. So one `Last-Event-ID` resumes a stream of several topics, and
//! an id from before a restart is known for what it is. To clients an id is text without a
//! meaning.
//!
//! # No loss is silent
//!
//! | a client comes back with | and gets |
//! |---|---|
//! | an id of this hub | what it missed, then what comes |
//! | an id from which the history does not reach | what is kept, with a [`Gap`] `evicted` at the place of what is not |
//! | an id from another hub, or from before a restart | a gap `foreign`, then all that is kept |
//! | anything else | a gap `unknown`, then all that is kept |
//! | no id | what comes, or first the [recent](Subscription::recent) messages, or [all](Subscription::from_the_first) |
//!
//! A subscriber that is too slow reads what it missed from the history; if that does not reach, it
//! is told by a gap `lagged`. [`LagPolicy`] has the choices.
//!
//! # Many nodes
//!
//! [`Hub::connect`] makes a hub that is one of many nodes of an [engine](crate::backplane), Redis or
//! NATS. All of the above holds on every node, and for a client that goes from one to another. What
//! is different:
//!
//! - Publishing waits for the engine, and may fail. Nothing is queued.
//! - A subscription begins when the engine has confirmed it: the client is told its position then.
//!   What is published on the same node after [`subscribe`](Hub::subscribe) waits for that, and is
//!   the subscription's own.
//! - While the engine is not reached, streams stay open. When it is back, each goes on where it was;
//!   what the engine has lost meanwhile is told by a [`Gap`] `outage`.
//! - An engine forgets a topic to which nothing was published for twice the history's age. A client
//!   that comes back with an older id than that may be told of a gap that is none. Clients of quiet
//!   topics are told a newer position once in a while, so that this is for those who were away.
//! - A topic is left 15 seconds after its last subscriber.
//!
//! # Bounds
//!
//! All memory is bounded by what [`HubBuilder`] sets: of each topic its history and its queue, of
//! the hub as a whole the number of topics and the bytes of all histories. A hub in memory
//! needs tokio for one thing: to give back the memory of topics to which nobody publishes any more.

mod answer;
mod builder;
mod connect;
mod error;
mod gap;
mod history;
mod keys;
mod lag;
mod ledger;
mod live;
mod merge;
mod message;
#[cfg_attr(not(feature = "metrics"), path = "no_meters.rs")]
mod meters;
mod node;
mod position;
mod publish;
mod shared;
mod source;
mod stats;
mod subscription;
mod sweep;
mod topic;
mod topics;
mod waiting;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Weak},
};

pub use self::{
    builder::HubBuilder,
    connect::ConnectError,
    error::{PublishError, TopicError},
    gap::{Gap, GapReason},
    history::History,
    lag::LagPolicy,
    message::Message,
    publish::Publish,
    stats::{EngineStats, HubStats},
    subscription::{Deliveries, Delivery, Subscription},
};
use self::{
    shared::{MAX_SUBSCRIBED, Shared},
    source::Source,
};
use crate::event::{Event, EventData, EventId};

/// Topics, to publish to and to subscribe to. Clones are handles on the same hub.
///
/// The module's page tells [what it does](self).
#[derive(Clone)]
pub struct Hub(Arc<Shared>);

/// A handle that does not keep the hub: for a task that publishes for as long as somebody may be
/// interested. From [`Hub::downgrade`].
#[derive(Clone)]
pub struct WeakHub(Weak<Shared>);

impl Hub {
    /// A hub in this process.
    pub fn memory() -> Self {
        Self::builder().build()
    }

    /// A hub on an engine, by its address: one of any number of nodes on which what is published on
    /// one reaches the subscribers of all, and a client goes on where it has left another.
    ///
    /// `redis://host:port` and `nats://host:port` with the features `redis` and `nats`; `memory:` is
    /// a hub in this process. [`HubBuilder::connect`] tells more.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] for an address that is none, and an engine that is not reached.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::builder().connect(url).await
    }

    /// A hub that is set up otherwise.
    pub fn builder() -> HubBuilder {
        HubBuilder::new()
    }

    /// Publishes an event to a topic. Answers the id that the event was given.
    ///
    /// That nobody is subscribed is no error. In one process this never waits: neither for
    /// subscribers, nor for those who publish to other topics. On an [engine](Self::connect) it waits
    /// for that to answer.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sse_layer::hub::PublishError> {
    /// # let hub = sse_layer::hub::Hub::memory();
    /// use sse_layer::Event;
    ///
    /// let shipped = Event::text("shipped").event("status");
    /// let id = hub.publish("orders/7", shipped.clone()).key("7-shipped").await?;
    /// // Nobody gets it twice.
    /// assert_eq!(hub.publish("orders/7", shipped).key("7-shipped").await?, id);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PublishError`], and nobody gets the event: for a topic that can't be, an event that can't
    /// be written, that is too large, empty, or has an id of its own, and where there is no room.
    pub fn publish<'a, D>(&'a self, topic: &'a str, event: Event<D>) -> Publish<'a>
    where
        D: EventData,
    {
        Publish::new(&self.0, topic, &event)
    }

    /// Publishes an event from a thread that may wait: not from a task.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    pub fn blocking_publish<D>(&self, topic: &str, event: Event<D>) -> Result<EventId, PublishError>
    where
        D: EventData,
    {
        self.publish(topic, event).blocking()
    }

    /// Subscribes to what is published to a topic from now on.
    ///
    /// In one process that is from this call on: what is published before the subscription is
    /// first polled is its own. On an [engine](Self::connect) the same is true of what this node
    /// publishes; of what others do, it is from when the engine has confirmed the subscription, which
    /// the client's first position tells.
    ///
    /// # Errors
    ///
    /// [`TopicError`] for a name that is empty or too long, and where there are too many topics.
    pub fn subscribe(&self, topic: &str) -> Result<Subscription, TopicError> {
        self.subscribe_many([topic])
    }

    /// Subscribes to several topics as one stream, in the order of ids. A topic that is named twice
    /// counts once. All begin at the same place: whoever gets an event of one of them gets all that
    /// follows it of the others.
    ///
    /// # Errors
    ///
    /// [`TopicError`], also for no topics and for more than 1,024.
    pub fn subscribe_many<I>(&self, topics: I) -> Result<Subscription, TopicError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let names: Vec<_> = topics.into_iter().collect();
        let names: BTreeSet<&str> = names.iter().map(AsRef::as_ref).collect();
        let (count, max) = (names.len(), MAX_SUBSCRIBED);
        if count == 0 || count > max {
            return Err(TopicError::Subscribed { count, max });
        }
        for name in &names {
            self.0.check_name(name)?;
        }
        // Before the topics are looked at: whatever has a higher id comes from them.
        let subscribed = self.0.ledger.now();
        let shared = Arc::clone(&self.0);
        let mut subscription = Subscription::new(shared, subscribed, count);
        for name in names {
            // What is attached already goes with the subscription, should this fail.
            let (topic, receiver, attached) = self.0.attach(name)?;
            subscription.add(Source::new(topic, receiver, attached));
        }
        // What is published by threads outside of tokio is swept by those who are in it.
        if self.0.ledger.bytes() > 0 && self.0.node.is_none() {
            sweep::begin(&self.0);
        }
        Ok(subscription)
    }

    /// The newest message of a topic, if it is kept.
    ///
    /// For handlers that have to know whether there is anything left to send, such as one that
    /// answers [`Sse::stop`](crate::Sse::stop) to a client that has seen the last event.
    ///
    /// # Errors
    ///
    /// [`TopicError`] for a name that is empty or too long, and for an engine that does not answer.
    pub async fn newest(&self, topic: &str) -> Result<Option<Message>, TopicError> {
        self.0.check_name(topic)?;
        if let Some(node) = &self.0.node {
            return node.newest(&self.0, topic).await;
        }
        let topic = self.0.topics.get(topic);
        Ok(topic.and_then(|topic| topic.newest(&self.0.ledger)))
    }

    /// How many subscriptions in this process there are to a topic.
    pub fn subscribers(&self, topic: &str) -> usize {
        let topic = self.0.topics.get(topic);
        topic.map_or(0, |topic| topic.subscribers())
    }

    /// What the hub holds, and what it has done so far.
    pub fn stats(&self) -> HubStats {
        self.0.stats()
    }

    /// A handle that does not keep the hub.
    pub fn downgrade(&self) -> WeakHub {
        WeakHub(Arc::downgrade(&self.0))
    }
}

impl WeakHub {
    /// The hub, if somebody still has it or one of its subscriptions.
    pub fn upgrade(&self) -> Option<Hub> {
        self.0.upgrade().map(Hub)
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("epoch", &self.0.ledger.epoch())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for WeakHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakHub").finish_non_exhaustive()
    }
}
