//! What readers of the past get from the engine: each page once, for all who want the same.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{sync::Semaphore, time::Instant};

use super::{Node, PAGE, backoff::backoff, wire};
use crate::{
    backplane::{Backplane, Page, ReadLimit},
    hub::{
        answer::{Answer, Awaited},
        history,
        message::{Mark, Message},
        position::Epoch,
        shared::Shared,
        topic::Topic,
    },
};

/// So many pages are kept for others who may come for them, and for so long: clients that were cut
/// off together come back together.
const KEPT: usize = 32;
const KEPT_FOR: Duration = Duration::from_secs(2);

pub(super) struct Reads {
    readings: Mutex<VecDeque<Arc<Reading>>>,
    permits: Arc<Semaphore>,
    count: AtomicU64,
}

/// A page that was asked for.
struct Reading {
    topic: Arc<Topic>,
    from: From,
    /// What the node knew to be published before the page was asked for.
    known: u64,
    begun: Instant,
    answer: Arc<Answer<Option<ReadPage>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum From {
    After(u64),
    Newest(usize),
}

/// Some of a topic, from the engine.
pub(in crate::hub) struct ReadPage {
    pub(in crate::hub) missing: Option<u64>,
    pub(in crate::hub) messages: Vec<Message>,
    /// Everything that is kept up to here is in the page.
    pub(in crate::hub) whole_up_to: u64,
}

impl ReadPage {
    /// What of the page is between a number and a place.
    pub(in crate::hub) fn between(&self, after: u64, to: Mark) -> history::Page {
        let missing = self.missing.map(|missing| missing.min(to.sequence));
        let hole = missing.filter(|missing| *missing > after);
        let messages = self.messages.iter().filter(|message| {
            let sequence = message.sequence();
            after < sequence && sequence <= to.sequence
        });
        history::Page {
            hole: hole.map(|sequence| Mark {
                sequence,
                count: None,
            }),
            messages: messages.cloned().collect(),
        }
    }
}

/// One who waits for a page.
pub(in crate::hub) struct Read(Awaited<Option<ReadPage>>);

impl Read {
    /// The page; `None` where the topic is lost.
    pub(in crate::hub) fn poll(&mut self, cx: &Context<'_>) -> Poll<Option<&ReadPage>> {
        self.0.poll(cx).map(Option::as_ref)
    }
}

impl Reads {
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            readings: Mutex::default(),
            permits: Arc::new(Semaphore::new(at_once)),
            count: AtomicU64::new(0),
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Lets go of pages for which nobody has come.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        self.readings().retain(|reading| reading.is_wanted(now));
    }

    fn readings(&self) -> MutexGuard<'_, VecDeque<Arc<Reading>>> {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Node {
    /// Reads what comes after a number. Everything up to `known` is known to be published.
    pub(in crate::hub) fn read(
        &self,
        shared: &Arc<Shared>,
        topic: &Arc<Topic>,
        after: u64,
        known: u64,
    ) -> Read {
        self.ask(shared, topic, From::After(after), known)
    }

    /// Reads the newest messages.
    pub(in crate::hub) fn read_newest(
        &self,
        shared: &Arc<Shared>,
        topic: &Arc<Topic>,
        count: usize,
    ) -> Read {
        self.ask(shared, topic, From::Newest(count), 0)
    }

    fn ask(&self, shared: &Arc<Shared>, topic: &Arc<Topic>, from: From, known: u64) -> Read {
        let now = Instant::now();
        let mut readings = self.reads.readings();
        readings.retain(|reading| reading.is_wanted(now));
        let same = readings.iter().find(|reading| reading.serves(topic, from));
        if let Some(reading) = same {
            return Read(Awaited::new(Arc::clone(&reading.answer)));
        }
        while readings.len() >= KEPT {
            let Some(oldest) = readings.iter().position(|reading| reading.is_done()) else {
                break;
            };
            readings.remove(oldest);
        }
        let reading = Arc::new(Reading {
            topic: Arc::clone(topic),
            from,
            known: known.max(shared.ledger.last()),
            begun: now,
            answer: Answer::new(),
        });
        readings.push_back(Arc::clone(&reading));
        drop(readings);
        let answer = Arc::clone(&reading.answer);
        let permits = Arc::clone(&self.reads.permits);
        let (shared, engine) = (Arc::downgrade(shared), Arc::clone(&self.engine));
        self.runtime.spawn(async move {
            let page = reading.run(&shared, &*engine, &permits).await;
            reading.answer.set(page);
        });
        Read(Awaited::new(answer))
    }
}

impl Reading {
    fn is_done(&self) -> bool {
        self.answer.get().is_some()
    }

    /// Those that are not answered yet are as many as there are readers.
    fn is_wanted(&self, now: Instant) -> bool {
        !self.is_done() || now - self.begun < KEPT_FOR
    }

    /// Whether somebody who asks for this may have this page.
    fn serves(&self, topic: &Arc<Topic>, asked: From) -> bool {
        if !Arc::ptr_eq(&self.topic, topic) {
            return false;
        }
        match (self.answer.get(), self.from, asked) {
            (None, from, asked) => from == asked,
            (Some(Some(page)), From::After(from), From::After(asked)) => {
                let last = page.messages.last().map_or(0, Message::sequence);
                from <= asked
                    && page
                        .missing
                        .is_none_or(|missing| from == asked || missing <= asked)
                    && asked < last
            }
            _ => false,
        }
    }

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
            // This one, and those in the list of what is known.
            if Arc::strong_count(&self.answer) <= 1 || self.topic.is_lost() {
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
            missing: page.missing,
            messages: messages.collect(),
            whole_up_to: match page.has_more {
                true => last,
                false => last.max(self.known),
            },
        }
    }
}
