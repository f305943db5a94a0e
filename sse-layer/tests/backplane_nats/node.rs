//! A node for a test: an engine that is open, and what it has handed over.

use std::{future::Future, ops::Deref, sync::Arc, time::Duration};

use sse_layer::backplane::{
    Backplane, BackplaneError, Bounds, Outgoing, Place, ReadLimit, nats::Nats,
};
use tokio::time::timeout;

use crate::engines;
pub(crate) use crate::handed::{PATIENCE, Seen, Told};

pub(crate) const BOUNDS: Bounds = Bounds {
    events: 1_000,
    bytes: usize::MAX,
    age: Duration::from_secs(600),
    keys: Duration::from_secs(120),
};

pub(crate) const ALL: ReadLimit = ReadLimit {
    events: usize::MAX,
    bytes: usize::MAX,
};

pub(crate) const NOWHERE: Place = Place {
    epoch: 0,
    sequence: 0,
};

pub(crate) struct Node {
    engine: Nats,
    pub(crate) seen: Arc<Seen>,
}

impl Node {
    pub(crate) async fn at(server: &engines::Nats) -> Self {
        Self::open(Nats::new(&server.url()).unwrap()).await.unwrap()
    }

    pub(crate) async fn open(engine: Nats) -> Result<Self, BackplaneError> {
        Self::open_with(engine, BOUNDS).await
    }

    pub(crate) async fn open_with(engine: Nats, bounds: Bounds) -> Result<Self, BackplaneError> {
        let seen = Arc::new(Seen::default());
        engine.open(seen.clone(), bounds).await?;
        Ok(Self { engine, seen })
    }

    pub(crate) async fn put(&self, topic: &str, frame: &str) -> Result<Place, BackplaneError> {
        self.put_key(topic, frame, None).await
    }

    pub(crate) async fn put_key(
        &self,
        topic: &str,
        frame: &str,
        key: Option<&str>,
    ) -> Result<Place, BackplaneError> {
        let frame = frame.as_bytes();
        self.engine.publish(Outgoing { topic, frame, key }).await
    }

    /// All frames that are kept of a topic.
    pub(crate) async fn kept(&self, topic: &str) -> Vec<String> {
        let page = self.engine.read(topic, 0, ALL).await.unwrap();
        let frames = page.messages.iter();
        frames
            .map(|stored| String::from_utf8_lossy(&stored.frame).into_owned())
            .collect()
    }
}

impl Deref for Node {
    type Target = Nats;

    fn deref(&self) -> &Nats {
        &self.engine
    }
}

/// Tries until it succeeds.
pub(crate) async fn eventually<T, F>(mut call: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, BackplaneError>>,
{
    let mut last = None;
    let tried = timeout(PATIENCE, async {
        loop {
            match call().await {
                Ok(done) => return done,
                Err(error) => last = Some(error),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    match tried.await {
        Ok(done) => done,
        Err(_) => panic!("it never succeeds: {last:?}"),
    }
}

/// The text behind an error.
pub(crate) fn why(error: &BackplaneError) -> String {
    std::error::Error::source(error).unwrap().to_string()
}
