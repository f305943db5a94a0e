//! A node as the tests have it: an engine, and all that it has handed over so far.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sse_layer::backplane::{
    Backplane, BackplaneError, Bounds, Inbox, Outgoing, Page, Place, ReadLimit, Stored,
    redis::Redis,
};
use tokio::{sync::Notify, time::timeout};

/// How long a test waits for what has to come.
const BOUND: Duration = Duration::from_secs(30);

pub(crate) const BOUNDS: Bounds = Bounds {
    events: 1000,
    bytes: 1024 * 1024,
    age: Duration::from_secs(300),
    keys: Duration::from_secs(120),
};

/// More than any test has.
pub(crate) const ALL: ReadLimit = ReadLimit {
    events: usize::MAX,
    bytes: usize::MAX,
};

pub(crate) struct Node {
    pub(crate) engine: Redis,
    pub(crate) inbox: Arc<Recorder>,
}

/// What was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Message(String, u64, Stored),
    Disconnected,
    Reconnected,
}

#[derive(Default)]
pub(crate) struct Recorder {
    seen: Mutex<Vec<Seen>>,
    more: Notify,
}

impl Node {
    pub(crate) async fn at(url: &str) -> Self {
        Self::of(Redis::new(url).unwrap()).await
    }

    pub(crate) async fn of(engine: Redis) -> Self {
        Self::with(engine, BOUNDS).await.unwrap()
    }

    pub(crate) async fn with(engine: Redis, bounds: Bounds) -> Result<Self, BackplaneError> {
        let inbox = Arc::new(Recorder::default());
        engine.open(inbox.clone(), bounds).await?;
        Ok(Self { engine, inbox })
    }

    pub(crate) async fn try_publish(
        &self,
        topic: &str,
        frame: &str,
    ) -> Result<Place, BackplaneError> {
        self.publish_with(topic, frame, None).await
    }

    pub(crate) async fn publish(&self, topic: &str, frame: &str) -> Place {
        self.try_publish(topic, frame).await.unwrap()
    }

    pub(crate) async fn publish_with(
        &self,
        topic: &str,
        frame: &str,
        key: Option<&str>,
    ) -> Result<Place, BackplaneError> {
        let frame = frame.as_bytes();
        self.engine.publish(Outgoing { topic, frame, key }).await
    }

    pub(crate) async fn listen(&self, topic: &str) {
        self.engine.listen(topic).await.unwrap();
    }

    pub(crate) async fn read(&self, topic: &str, after: u64) -> Page {
        self.engine.read(topic, after, ALL).await.unwrap()
    }

    /// The texts that are read of a topic.
    pub(crate) async fn texts(&self, topic: &str, after: u64) -> Vec<String> {
        texts(&self.read(topic, after).await)
    }

    /// Waits until this holds of all that was handed over.
    pub(crate) async fn until(&self, holds: impl Fn(&[Seen]) -> bool) -> Vec<Seen> {
        let wait = async {
            loop {
                let more = self.inbox.more.notified();
                let seen = self.inbox.seen();
                if holds(&seen) {
                    return seen;
                }
                more.await;
            }
        };
        match timeout(BOUND, wait).await {
            Ok(seen) => seen,
            Err(_) => panic!("{:?} is all that was handed over", self.inbox.seen()),
        }
    }

    /// Waits for so many messages, and gives them.
    pub(crate) async fn messages(&self, count: usize) -> Vec<Handed> {
        let seen = self.until(|seen| messages_in(seen).count() >= count).await;
        messages_in(&seen).collect()
    }

    pub(crate) async fn until_disconnected(&self, times: usize) {
        let is_one = |seen: &&Seen| **seen == Seen::Disconnected;
        self.until(|seen| seen.iter().filter(is_one).count() >= times)
            .await;
    }

    pub(crate) async fn until_reconnected(&self, times: usize) {
        let is_one = |seen: &&Seen| **seen == Seen::Reconnected;
        self.until(|seen| seen.iter().filter(is_one).count() >= times)
            .await;
    }

    pub(crate) async fn frontier(&self) -> Place {
        let nowhere = Place {
            epoch: 0,
            sequence: 0,
        };
        self.engine.frontier(nowhere).await.unwrap()
    }
}

/// A message that was handed over: its topic, its epoch, and itself.
pub(crate) type Handed = (String, u64, Stored);

fn messages_in(seen: &[Seen]) -> impl Iterator<Item = Handed> {
    seen.iter().filter_map(|seen| match seen {
        Seen::Message(topic, epoch, message) => Some((topic.clone(), *epoch, message.clone())),
        _ => None,
    })
}

/// The events as text.
pub(crate) fn texts(page: &Page) -> Vec<String> {
    page.messages.iter().map(text).collect()
}

pub(crate) fn text(message: &Stored) -> String {
    String::from_utf8(message.frame.to_vec()).unwrap()
}

impl Recorder {
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }

    fn add(&self, seen: Seen) {
        self.seen.lock().unwrap().push(seen);
        self.more.notify_waiters();
    }
}

impl Inbox for Recorder {
    fn message(&self, topic: &str, epoch: u64, message: Stored) {
        self.add(Seen::Message(topic.to_owned(), epoch, message));
    }

    fn disconnected(&self) {
        self.add(Seen::Disconnected);
    }

    fn reconnected(&self) {
        self.add(Seen::Reconnected);
    }
}
