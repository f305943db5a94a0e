//! A hub as one of the nodes of an engine: its topics are what this node knows of the engine's.

mod backoff;
mod driver;
mod inbox;
mod pages;
mod reads;
mod refill;
mod wire;

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{Notify, Semaphore},
};

use self::reads::Reads;
pub(super) use self::{pages::Read, wire::draft};
use super::{
    answer::{Answer, Awaited},
    error::{PublishError, TopicError},
    keys,
    ledger::Ledger,
    message::{Draft, Message},
    position::Epoch,
    shared::{Settings, Shared},
    topic::Topic,
};
use crate::{
    backplane::{Backplane, BackplaneError, Bounds, Failure, Outgoing, Place, ReadLimit},
    event::EventId,
};

/// So much is read from the engine at once.
const PAGE: ReadLimit = ReadLimit {
    events: 256,
    bytes: 256 * 1024,
};

/// So many calls for what was missed there may be at once, of each kind.
const READS_AT_ONCE: usize = 32;

/// What a hub has beside its topics where it is a node.
pub(super) struct Node {
    pub(super) engine: Arc<dyn Backplane>,
    runtime: Handle,
    is_connected: AtomicBool,
    outages: AtomicU64,
    work: Mutex<Work>,
    /// Tells the driver that there is work.
    wake: Arc<Notify>,
    /// Told after topics were opened.
    opened: Notify,
    reads: Reads,
    refills: Arc<Semaphore>,
}

/// What the driver has to do. All of it is bounded by the number of topics.
#[derive(Default)]
struct Work {
    openings: Vec<Arc<Topic>>,
    left: Vec<Arc<str>>,
    behind: Vec<Arc<Topic>>,
    /// Who wants to know how far the engine is: all who ask at the same time, and those of before
    /// whom it did not answer.
    frontiers: Vec<Arc<Answer<()>>>,
    /// The outage that is over since the topics were looked at.
    is_back: Option<u64>,
}

impl Node {
    fn new(engine: Arc<dyn Backplane>) -> Self {
        Self {
            engine,
            runtime: Handle::current(),
            is_connected: AtomicBool::new(true),
            outages: AtomicU64::new(0),
            work: Mutex::default(),
            wake: Arc::default(),
            opened: Notify::new(),
            reads: Reads::new(READS_AT_ONCE),
            refills: Arc::new(Semaphore::new(READS_AT_ONCE)),
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.is_connected.load(Ordering::SeqCst)
    }

    pub(super) fn outages(&self) -> u64 {
        self.outages.load(Ordering::SeqCst)
    }

    pub(super) fn engine_reads(&self) -> u64 {
        self.reads.count()
    }

    /// Has a topic opened: listened to, from a place that is known.
    pub(super) fn open(&self, topic: Arc<Topic>) {
        self.work().openings.push(topic);
        self.wake.notify_one();
    }

    /// Topics that the hub does not have any more.
    pub(super) fn leave(&self, topics: Vec<Arc<Topic>>) {
        let names = topics.iter().map(|topic| Arc::clone(&topic.name));
        self.work().left.extend(names);
        self.wake.notify_one();
    }

    /// Has read what a topic has missed.
    fn refill(&self, topic: Arc<Topic>) {
        self.work().behind.push(topic);
        self.wake.notify_one();
    }

    /// Asks how far the engine is. When that is answered, the ledger knows.
    pub(super) fn frontier(&self) -> Awaited<()> {
        let mut work = self.work();
        if work.frontiers.is_empty() {
            work.frontiers.push(Answer::new());
        }
        let answer = Arc::clone(&work.frontiers[0]);
        drop(work);
        self.wake.notify_one();
        Awaited::new(answer)
    }

    /// Waits until the topic is open, but not for longer than a call takes, nor if the engine has
    /// refused it, nor while that is away: what is published then fails by itself.
    pub(super) async fn opened(&self, topic: &Topic) {
        const AT_MOST: Duration = Duration::from_secs(5);
        let open = async {
            loop {
                let opened = self.opened.notified();
                if !topic.is_about_to_open() || !self.is_connected() {
                    return;
                }
                opened.await;
            }
        };
        let _ = tokio::time::timeout(AT_MOST, open).await;
    }

    /// Runs a call for a thread that is not the runtime's.
    pub(super) fn run(&self, call: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(call);
    }

    /// The newest message of a topic.
    pub(super) async fn newest(
        &self,
        shared: &Arc<Shared>,
        topic: &str,
    ) -> Result<Option<Message>, TopicError> {
        if let Some(here) = shared.topics.get(topic) {
            if here.is_settled() {
                if let Some(newest) = here.newest(&shared.ledger) {
                    return Ok(Some(newest));
                }
            }
        }
        let limit = ReadLimit { events: 1, ..PAGE };
        let page = self.engine.newest(topic, limit).await;
        let mut page = page.map_err(TopicError::Engine)?;
        let newest = page.messages.pop().and_then(|stored| {
            let draft = draft(&stored.frame, shared.settings.max_event_bytes).ok()?;
            let epoch = Epoch::of(page.epoch);
            Some(draft.stored(epoch, topic.into(), &stored))
        });
        Ok(newest)
    }

    fn take_work(&self) -> Work {
        mem::take(&mut *self.work())
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The driver sees that there is nobody to work for.
        self.wake.notify_one();
    }
}

/// Publishes to the engine.
pub(super) async fn publish(
    shared: &Shared,
    topic: &str,
    draft: &Draft,
    key: Option<&str>,
) -> Result<EventId, PublishError> {
    let Some(node) = &shared.node else {
        let error = BackplaneError::new(Failure::Unavailable, "a hub without an engine");
        return Err(PublishError::Unavailable(error));
    };
    // Whoever has subscribed before, on this node, is to get it.
    if let Some(topic) = shared.topics.get(topic) {
        node.opened(&topic).await;
    }
    let frame = draft.event();
    let place = node.engine.publish(Outgoing { topic, frame, key }).await?;
    shared.counts.published();
    Ok(Epoch::of(place.epoch).id(place.sequence))
}

/// Joins the other nodes of an engine.
pub(super) async fn join(
    engine: Arc<dyn Backplane>,
    settings: Settings,
    max_topics: usize,
    ledger: impl FnOnce(Epoch) -> Ledger,
) -> Result<Arc<Shared>, BackplaneError> {
    let bounds = Bounds {
        events: settings.history.events,
        bytes: settings.history.bytes,
        age: settings.history.age,
        keys: keys::REMEMBERED,
    };
    let inbox = Arc::new(inbox::NodeInbox::default());
    engine.open(Arc::clone(&inbox) as _, bounds).await?;
    let start = engine
        .frontier(Place {
            epoch: 0,
            sequence: 0,
        })
        .await?;
    let epoch = Epoch::of(start.epoch);
    let ledger = ledger(epoch);
    ledger.reached(epoch, start.sequence);
    let node = Node::new(engine);
    let (engine, wake) = (Arc::clone(&node.engine), Arc::clone(&node.wake));
    let shared = Arc::new(Shared::new(settings, max_topics, ledger, Some(node)));
    inbox.deliver_to(&shared);
    tokio::spawn(driver::run(Arc::downgrade(&shared), engine, wake));
    Ok(shared)
}
