//! A node for a test: an engine that is open, and what it has handed over.

use std::{
    future::Future,
    ops::Deref,
    sync::{Arc, Mutex},
    time::Duration,
};

use sse_layer::backplane::{
    Backplane, BackplaneError, Bounds, Inbox, Outgoing, Place, ReadLimit, Stored, nats::Nats,
};
use tokio::{sync::Notify, time::timeout};

use crate::engines;

/// How long a test waits for something.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

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
