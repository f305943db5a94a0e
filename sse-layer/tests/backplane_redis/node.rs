//! A node as the tests have it: an engine, and all that it has handed over so far.

use std::{sync::Arc, time::Duration};

use sse_layer::backplane::{
    Backplane, BackplaneError, Bounds, Outgoing, Page, Place, ReadLimit, Stored, redis::Redis,
};

pub(crate) use crate::handed::{Seen, Told};

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
    pub(crate) inbox: Arc<Seen>,
}

impl Node {
    pub(crate) async fn at(url: &str) -> Self {
        Self::of(Redis::new(url).unwrap()).await
    }

    pub(crate) async fn of(engine: Redis) -> Self {
        Self::with(engine, BOUNDS).await.unwrap()
    }

    pub(crate) async fn with(engine: Redis, bounds: Bounds) -> Result<Self, BackplaneError> {
        let inbox = Arc::new(Seen::default());
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
    pub(crate) async fn until(&self, holds: impl Fn(&[Told]) -> bool) -> Vec<Told> {
        self.inbox.until(holds).await;
        self.inbox.all()
    }

    /// Waits for so many messages, and gives them.
    pub(crate) async fn messages(&self, count: usize) -> Vec<Handed> {
        let seen = self.until(|seen| messages_in(seen).count() >= count).await;
        messages_in(&seen).collect()
    }

    pub(crate) async fn until_disconnected(&self, times: usize) {
        self.inbox.until_told(&Told::Disconnected, times).await;
    }

    pub(crate) async fn until_reconnected(&self, times: usize) {
        self.inbox.until_told(&Told::Reconnected, times).await;
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

fn messages_in(told: &[Told]) -> impl Iterator<Item = Handed> {
    told.iter().filter_map(|told| match told {
        Told::Message(topic, epoch, message) => Some((topic.clone(), *epoch, message.clone())),
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
