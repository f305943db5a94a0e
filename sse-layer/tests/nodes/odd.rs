//! An engine of which single topics, and single ways, are in trouble.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use sse_layer::{
    Hub,
    backplane::{
        Backplane, BackplaneError, Bounds, BoxFuture, Failure, Inbox, Outgoing, Page, Place,
        ReadLimit, Stored, memory::Memory,
    },
};

use super::node;

/// A node of an engine in memory. Clones are the same node.
#[derive(Clone)]
pub(crate) struct Odd {
    engine: Memory,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Topics whose names begin like this are listened to and read by nobody.
    is_refused: Mutex<Option<&'static str>>,
    listened_to: Mutex<BTreeSet<String>>,
    reads: AtomicUsize,
    frontiers: AtomicUsize,
    hides_frontiers: AtomicBool,
    is_deaf: AtomicBool,
    inbox: Mutex<Option<Arc<dyn Inbox>>>,
}

/// A hub on an engine of which something is in trouble, and another that nothing is wrong with.
pub(crate) async fn odd() -> (Hub, Odd, Hub, Memory) {
    let engine = Memory::new();
    let odd = Odd::new(engine.clone());
    let hub = Hub::builder().backplane(odd.clone()).await.unwrap();
    let (other, _) = node(&engine, Hub::builder()).await;
    (hub, odd, other, engine)
}

impl Odd {
    pub(crate) fn new(engine: Memory) -> Self {
        Self {
            engine,
            state: Arc::default(),
        }
    }

    /// Refuses topics that begin like this, or none any more.
    pub(crate) fn refuse(&self, prefix: impl Into<Option<&'static str>>) {
        *self.state.is_refused.lock().unwrap() = prefix.into();
    }

    /// Hands over nothing any more, and says nothing of it, while all calls go on.
    pub(crate) fn go_deaf(&self, is_deaf: bool) {
        self.state.is_deaf.store(is_deaf, Ordering::SeqCst);
    }

    /// Hands over an event that the engine does not have.
    pub(crate) fn hand_over(&self, topic: &str, epoch: u64, message: Stored) {
        self.inbox().message(topic, epoch, message);
    }

    pub(crate) fn tell_disconnected(&self) {
        self.inbox().disconnected();
    }

    pub(crate) fn tell_reconnected(&self) {
        self.inbox().reconnected();
    }

    pub(crate) fn listened_to(&self) -> BTreeSet<String> {
        self.state.listened_to.lock().unwrap().clone()
    }

    /// Does not tell any more how far the engine is, or does so again.
    pub(crate) fn hide_frontiers(&self, hides: bool) {
        self.state.hides_frontiers.store(hides, Ordering::SeqCst);
    }

    /// How often it was asked how far the engine is.
    pub(crate) fn frontiers(&self) -> usize {
        self.state.frontiers.load(Ordering::SeqCst)
    }

    /// How often it was asked for what is kept behind a number.
    pub(crate) fn reads(&self) -> usize {
        self.state.reads.load(Ordering::SeqCst)
    }

    fn inbox(&self) -> Arc<dyn Inbox> {
        Arc::clone(self.state.inbox.lock().unwrap().as_ref().unwrap())
    }

    fn check(&self, topic: &str) -> Result<(), BackplaneError> {
        match *self.state.is_refused.lock().unwrap() {
            Some(prefix) if topic.starts_with(prefix) => {
                Err(BackplaneError::new(Failure::Refused, "as it was told to"))
            }
            _ => Ok(()),
        }
    }
}

impl Inbox for State {
    fn message(&self, topic: &str, epoch: u64, message: Stored) {
        let inbox = Arc::clone(self.inbox.lock().unwrap().as_ref().unwrap());
        if !self.is_deaf.load(Ordering::SeqCst) {
            inbox.message(topic, epoch, message);
        }
    }

    fn disconnected(&self) {
        let inbox = Arc::clone(self.inbox.lock().unwrap().as_ref().unwrap());
        inbox.disconnected();
    }

    fn reconnected(&self) {
        let inbox = Arc::clone(self.inbox.lock().unwrap().as_ref().unwrap());
        inbox.reconnected();
    }
}

impl Backplane for Odd {
    fn open(
        &self,
        inbox: Arc<dyn Inbox>,
        bounds: Bounds,
    ) -> BoxFuture<'_, Result<(), BackplaneError>> {
        *self.state.inbox.lock().unwrap() = Some(inbox);
        self.engine.open(Arc::clone(&self.state) as _, bounds)
    }

    fn publish<'a>(&'a self, event: Outgoing<'a>) -> BoxFuture<'a, Result<Place, BackplaneError>> {
        self.engine.publish(event)
    }

    fn listen<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Result<(), BackplaneError>> {
        Box::pin(async move {
            // A refusal takes its time as well.
            self.engine.listen(topic).await?;
            if let Err(refused) = self.check(topic) {
                self.engine.leave(topic);
                return Err(refused);
            }
            let mut listened_to = self.state.listened_to.lock().unwrap();
            listened_to.insert(topic.to_owned());
            Ok(())
        })
    }

    fn leave(&self, topic: &str) {
        self.state.listened_to.lock().unwrap().remove(topic);
        self.engine.leave(topic);
    }

    fn frontier(&self, at_least: Place) -> BoxFuture<'_, Result<Place, BackplaneError>> {
        Box::pin(async move {
            self.state.frontiers.fetch_add(1, Ordering::SeqCst);
            if self.state.hides_frontiers.load(Ordering::SeqCst) {
                let failed = BackplaneError::new(Failure::Unavailable, "as it was told to");
                return Err(failed);
            }
            self.engine.frontier(at_least).await
        })
    }

    fn read<'a>(
        &'a self,
        topic: &'a str,
        after: u64,
        limit: ReadLimit,
    ) -> BoxFuture<'a, Result<Page, BackplaneError>> {
        Box::pin(async move {
            self.state.reads.fetch_add(1, Ordering::SeqCst);
            self.check(topic)?;
            self.engine.read(topic, after, limit).await
        })
    }

    fn newest<'a>(
        &'a self,
        topic: &'a str,
        limit: ReadLimit,
    ) -> BoxFuture<'a, Result<Page, BackplaneError>> {
        self.engine.newest(topic, limit)
    }
}
