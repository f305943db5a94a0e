//! Asks the engine for what readers of the past want.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, Weak,
    atomic::{AtomicU64, Ordering},
};

use tokio::{sync::Semaphore, time::Instant};

use super::{
    Node, PAGE,
    backoff::backoff,
    pages::{Asked, From, Pages, Read, ReadPage},
    wire,
};
use crate::{
    backplane::{Backplane, Page, ReadLimit},
    hub::{position::Epoch, shared::Shared, topic::Topic},
};

pub(super) struct Reads {
    pages: Mutex<Pages>,
    permits: Arc<Semaphore>,
    count: AtomicU64,
}

impl Reads {
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            pages: Mutex::default(),
            permits: Arc::new(Semaphore::new(at_once)),
            count: AtomicU64::new(0),
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Lets go of pages for which nobody has come.
    pub(super) fn sweep(&self) {
        self.pages().sweep(Instant::now());
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Node {
    /// Reads what comes after a number. Everything up to `known` is known to be published. Who
    /// `waits` may be given a page that another has asked for, and that may not reach this place.
    pub(in crate::hub) fn read(
        &self,
        shared: &Arc<Shared>,
        topic: &Arc<Topic>,
        after: u64,
        known: u64,
        waits: bool,
    ) -> Read {
        self.ask(shared, topic, From::After(after), known, waits)
    }

    /// Reads the newest messages.
    pub(in crate::hub) fn read_newest(
        &self,
        shared: &Arc<Shared>,
        topic: &Arc<Topic>,
        count: usize,
    ) -> Read {
        self.ask(shared, topic, From::Newest(count), 0, false)
    }

    fn ask(
        &self,
        shared: &Arc<Shared>,
        topic: &Arc<Topic>,
        from: From,
        known: u64,
        waits: bool,
    ) -> Read {
        let mut pages = self.reads.pages();
        pages.sweep(Instant::now());
        if let Some(asked) = pages.find(topic, from, waits) {
            return asked.read(from);
        }
        let known = known.max(shared.ledger.last());
        let asked = Arc::new(Asked::new(Arc::clone(topic), from, known));
        pages.insert(Arc::clone(&asked));
        drop(pages);
        let read = asked.read(from);
        let permits = Arc::clone(&self.reads.permits);
        let (shared, engine) = (Arc::downgrade(shared), Arc::clone(&self.engine));
        self.runtime.spawn(async move {
            let page = asked.run(&shared, &*engine, &permits).await;
            asked.set(page);
            let shared = shared.upgrade();
            if let Some(node) = shared.as_ref().and_then(|shared| shared.node.as_ref()) {
                node.reads.pages().came(asked, Instant::now());
            }
        });
        read
    }
}

impl Asked {
    /// Tries until there is an answer. `None` if there can't be one any more.
    async fn run(
        &self,
        shared: &Weak<Shared>,
        engine: &dyn Backplane,
        permits: &Semaphore,
    ) -> Option<ReadPage> {
        let mut failures = 0;
        loop {
            // Given back before the next attempt: what can't be read is in nobody's way.
            let permit = permits.acquire().await;
            if !self.is_wanted() || self.topic.is_lost() {
                return None;
            }
            let name = &self.topic.name;
            let page = match self.from {
                From::After(after) => engine.read(name, after, PAGE).await,
                From::Newest(count) => {
                    // All of it is looked for, as it tells where the newest begin.
                    let limit = ReadLimit {
                        events: count,
                        bytes: usize::MAX,
                    };
                    engine.newest(name, limit).await
                }
            };
            drop(permit);
            let shared = shared.upgrade()?;
            let node = shared.node.as_ref()?;
            node.reads.count.fetch_add(1, Ordering::Relaxed);
            match page {
                Ok(page) if Some(Epoch::of(page.epoch)) == self.topic.epoch() => {
                    return Some(self.page(page, shared.settings.max_event_bytes));
                }
                Ok(_) => drop(node.frontier()),
                Err(error) => tracing::debug!(
                    target: crate::observe::TARGET,
                    topic = &**name,
                    error = &error as &dyn std::error::Error,
                    "the history can't be read",
                ),
            }
            failures += 1;
            drop(shared);
            tokio::time::sleep(backoff(failures)).await;
        }
    }

    fn page(&self, page: Page, max_event_bytes: usize) -> ReadPage {
        let last = page.messages.last().map_or(0, |message| message.sequence);
        let epoch = Epoch::of(page.epoch);
        let messages = page.messages.into_iter().filter_map(|stored| {
            let draft = wire::draft(&stored.frame, max_event_bytes).ok()?;
            Some(draft.stored(epoch, Arc::clone(&self.topic.name), &stored))
        });
        ReadPage {
            after: match self.from {
                From::After(after) => after,
                From::Newest(_) => 0,
            },
            missing: page.missing,
            messages: messages.collect(),
            whole_up_to: match page.has_more {
                true => last,
                false => last.max(self.known),
            },
        }
    }
}
