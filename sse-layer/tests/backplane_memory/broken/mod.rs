//! Engines that break one rule each, around one that keeps to them.

mod fault;
mod inbox;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use sse_layer::{
    BoxError,
    backplane::{
        Backplane, BackplaneError, Bounds, BoxFuture, Failure, Inbox, Outgoing, Page, Place,
        ReadLimit, memory::Memory,
    },
    conformance::Engines,
};

pub(crate) use self::fault::{FAULTS, Fault};
use self::inbox::{Faulty, Late};
use crate::InMemory;

/// An engine with a fault.
pub(crate) struct Broken {
    fault: Fault,
    engines: InMemory,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    nodes: AtomicUsize,
    /// Places by key, over all topics.
    keys: Mutex<HashMap<String, Place>>,
    most_missing: Mutex<Option<u64>>,
    has_begun: AtomicBool,
    leaked: Mutex<Vec<Arc<dyn Inbox>>>,
}

impl Broken {
    pub(crate) fn by(fault: Fault) -> Self {
        Self {
            fault,
            engines: InMemory::default(),
            shared: Arc::default(),
        }
    }
}

impl Engines for Broken {
    type Engine = Node;

    async fn node(&self, namespace: &str) -> Result<Node, BoxError> {
        let inner = match self.fault {
            Fault::EachNodeIsByItself => Memory::new(),
            _ => self.engines.node(namespace).await?,
        };
        Ok(Node {
            inner,
            fault: self.fault,
            number: self.shared.nodes.fetch_add(1, Ordering::Relaxed),
            shared: Arc::clone(&self.shared),
            asked: Mutex::default(),
            listened: Mutex::default(),
            is_busy: AtomicBool::new(false),
            calls: AtomicUsize::new(0),
            is_cut_off: Arc::default(),
        })
    }

    async fn interrupt(&self, namespace: &str) -> Result<bool, BoxError> {
        self.engines.interrupt(namespace).await
    }

    async fn restore(&self, namespace: &str) -> Result<(), BoxError> {
        self.engines.restore(namespace).await
    }
}

/// A node of it.
pub(crate) struct Node {
    inner: Memory,
    fault: Fault,
    number: usize,
    shared: Arc<Shared>,
    asked: Mutex<HashSet<String>>,
    listened: Mutex<HashMap<String, usize>>,
    is_busy: AtomicBool,
    calls: AtomicUsize,
    is_cut_off: Arc<AtomicBool>,
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.fault == Fault::LosesAllWithANode {
            self.inner.lose_data();
        }
    }
}

impl Backplane for Node {
    fn open(
        &self,
        inbox: Arc<dyn Inbox>,
        bounds: Bounds,
    ) -> BoxFuture<'_, Result<(), BackplaneError>> {
        if self.fault == Fault::KeepsItsInbox {
            self.shared.leaked.lock().unwrap().push(Arc::clone(&inbox));
        }
        let inbox: Arc<dyn Inbox> = match self.fault {
            Fault::HandsOverLate => Arc::new(Late::new(inbox)),
            fault => Arc::new(Faulty::new(
                fault,
                self.number,
                bounds,
                inbox,
                Arc::clone(&self.is_cut_off),
            )),
        };
        let bounds = match self.fault {
            Fault::KeepsTooMany => Bounds {
                events: bounds.events * 2,
                ..bounds
            },
            Fault::KeepsTooFew => Bounds {
                events: bounds.events - bounds.events / 4,
                ..bounds
            },
            Fault::IgnoresBytes => Bounds {
                bytes: usize::MAX,
                ..bounds
            },
            Fault::IgnoresAge => Bounds {
                age: bounds.age * 1000,
                ..bounds
            },
            Fault::GivesAllThatOthersKeep => Bounds {
                events: bounds.events.max(1000),
                ..bounds
            },
            Fault::AgesTooFast => Bounds {
                age: bounds.age / 4,
                ..bounds
            },
            Fault::KeysAreForever => Bounds {
                keys: bounds.keys * 1000,
                ..bounds
            },
            Fault::KeysAreForgottenSoon => Bounds {
                keys: bounds.keys / 4,
                ..bounds
            },
            _ => bounds,
        };
        Box::pin(async move {
            if self.fault == Fault::BeginsOften && !self.shared.has_begun.load(Ordering::Relaxed) {
                tokio::task::yield_now().await;
                self.inner.lose_data();
                self.shared.has_begun.store(true, Ordering::Relaxed);
            }
            self.inner.open(inbox, bounds).await
        })
    }

    fn publish<'a>(&'a self, event: Outgoing<'a>) -> BoxFuture<'a, Result<Place, BackplaneError>> {
        Box::pin(async move {
            let call = self.calls.fetch_add(1, Ordering::Relaxed);
            let topic = self.topic(event.topic);
            let key = event.key.map(|key| self.key(event.topic, key));
            let mut event = Outgoing {
                topic: &topic,
                key: key.as_deref(),
                ..event
            };
            match self.fault {
                Fault::StopsToAnswer if call >= 3 => std::future::pending().await,
                Fault::StopsToPublish if call >= 250 => std::future::pending().await,
                Fault::HandsOverToThePublisher => self.inner.listen(&topic).await?,
                Fault::CutsFrames => event.frame = &event.frame[..event.frame.len().min(1 << 19)],
                Fault::TrimsFrames => event.frame = event.frame.trim_ascii_end(),
                Fault::KeysGoWithTheirEvents if !self.has_event_of(event).await? => {
                    event.key = None;
                }
                Fault::IsSpoiledByDroppedCalls => {
                    if self.is_busy.swap(true, Ordering::Relaxed) {
                        return Err(BackplaneError::new(Failure::Refused, "busy"));
                    }
                    tokio::task::yield_now().await;
                    self.is_busy.store(false, Ordering::Relaxed);
                }
                Fault::PublishesWhenItCan => {
                    let (inner, topic) = (self.inner.clone(), topic.clone());
                    let frame = event.frame.to_vec();
                    let again = move |inner: Memory| async move {
                        let (topic, frame) = (&topic, &frame);
                        let key = None;
                        inner.publish(Outgoing { topic, frame, key }).await
                    };
                    let failed = match self.inner.publish(event).await {
                        Ok(place) => return Ok(place),
                        Err(failed) => failed,
                    };
                    until_it_is_done(move || again.clone()(inner.clone()));
                    return Err(failed);
                }
                Fault::PublishesAgain if call % 10 == 9 => {
                    self.inner.publish(event).await?;
                }
                _ => {}
            }
            if self.fault == Fault::KeysAreShared {
                let known = event
                    .key
                    .and_then(|key| self.shared.keys.lock().unwrap().get(key).copied());
                if let Some(place) = known {
                    return Ok(place);
                }
            }
            let mut place = self.inner.publish(event).await?;
            if let Some(key) = &key {
                let mut keys = self.shared.keys.lock().unwrap();
                keys.insert(key.clone(), place);
            }
            match self.fault {
                Fault::RepeatsNumbers => place.sequence = place.sequence / 2 + 1,
                Fault::HasAnEpochANode => place.epoch ^= self.number as u64,
                Fault::AnswersTheNewest => {
                    tokio::task::yield_now().await;
                    place = self.inner.frontier(place).await?;
                }
                _ => {}
            }
            Ok(place)
        })
    }

    fn listen<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Result<(), BackplaneError>> {
        Box::pin(async move {
            let asked = self.asked.lock().unwrap().insert(topic.to_owned());
            *self
                .listened
                .lock()
                .unwrap()
                .entry(topic.to_owned())
                .or_default() += 1;
            match self.fault {
                Fault::ListensLate => {
                    let (inner, topic) = (self.inner.clone(), topic.to_owned());
                    tokio::spawn(async move { inner.listen(&topic).await });
                    return Ok(());
                }
                Fault::AnswersWhileItListens => {
                    if !asked {
                        return Ok(());
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Fault::ListensToFew if self.asked.lock().unwrap().len() > 9_999 => return Ok(()),
                Fault::TakesPatterns if topic == "*" => self.inner.listen("a").await?,
                _ => {}
            }
            let listening = self.inner.listen(&self.topic(topic)).await;
            if listening.is_err() && self.fault == Fault::ListensWhenItCan {
                let (inner, topic) = (self.inner.clone(), topic.to_owned());
                until_it_is_done(move || {
                    let (inner, topic) = (inner.clone(), topic.clone());
                    async move { inner.listen(&topic).await }
                });
            }
            listening
        })
    }

    fn leave(&self, topic: &str) {
        self.asked.lock().unwrap().remove(topic);
        match self.fault {
            Fault::NeverLeaves => {}
            Fault::LeavesOnlyWhatItReaches if self.is_cut_off.load(Ordering::Relaxed) => {}
            Fault::LeavesLate => {
                let (inner, topic) = (self.inner.clone(), topic.to_owned());
                tokio::spawn(async move {
                    tokio::task::yield_now().await;
                    inner.leave(&topic);
                });
            }
            Fault::CountsListening => {
                let mut listened = self.listened.lock().unwrap();
                let count = listened.entry(topic.to_owned()).or_default();
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.inner.leave(topic);
                }
            }
            _ => self.inner.leave(&self.topic(topic)),
        }
    }

    fn frontier(&self, at_least: Place) -> BoxFuture<'_, Result<Place, BackplaneError>> {
        Box::pin(async move {
            let call = self.calls.fetch_add(1, Ordering::Relaxed) as u64;
            let nowhere = Place {
                epoch: 0,
                sequence: 0,
            };
            let at_least = match self.fault {
                Fault::TakesAnyPlace => Place {
                    epoch: self.inner.frontier(nowhere).await?.epoch,
                    ..at_least
                },
                Fault::GoesOnBehindNothing => nowhere,
                _ => at_least,
            };
            let mut place = self.inner.frontier(at_least).await?;
            match self.fault {
                Fault::HasAnEpochANode => place.epoch ^= self.number as u64,
                Fault::BeginsWithAnEvent if place.sequence == 0 => place.epoch = 0,
                Fault::FrontierIsLate => place.sequence = place.sequence.saturating_sub(1),
                Fault::FrontierGoesBack => place.sequence -= (call % 3).min(place.sequence),
                _ => {}
            }
            Ok(place)
        })
    }

    fn read<'a>(
        &'a self,
        topic: &'a str,
        after: u64,
        limit: ReadLimit,
    ) -> BoxFuture<'a, Result<Page, BackplaneError>> {
        Box::pin(async move {
            if self.fault == Fault::HasSignedNumbers && i64::try_from(after).is_err() {
                return Err(BackplaneError::new(Failure::Refused, "out of range"));
            }
            let (after, limit) = match self.fault {
                Fault::WrapsNumbers => (after.wrapping_add(1).saturating_sub(1), limit),
                Fault::ReadsFromTheNumber => (after.saturating_sub(1), limit),
                Fault::ReadsPastTheNumber if after > 0 => (after + 1, limit),
                Fault::IgnoresTheByteLimit => (
                    after,
                    ReadLimit {
                        bytes: usize::MAX,
                        ..limit
                    },
                ),
                _ => (after, limit),
            };
            let read = self.inner.read(&self.topic(topic), after, limit).await;
            if read.is_err() && self.fault == Fault::HidesFailures {
                return Ok(Page::default());
            }
            let page = read?;
            Ok(self.spoil(page, after, limit))
        })
    }

    fn newest<'a>(
        &'a self,
        topic: &'a str,
        limit: ReadLimit,
    ) -> BoxFuture<'a, Result<Page, BackplaneError>> {
        Box::pin(async move {
            if self.fault == Fault::NewestAreOldest {
                return self.inner.read(topic, 0, limit).await;
            }
            let mut page = self.inner.newest(&self.topic(topic), limit).await?;
            match self.fault {
                Fault::NewestAreReversed => page.messages.reverse(),
                Fault::NewestAreNone => page.messages.clear(),
                Fault::NewestHaveNoEpoch => page.epoch = 0,
                _ => {}
            }
            Ok(page)
        })
    }
}

impl Node {
    fn topic(&self, topic: &str) -> String {
        match self.fault {
            Fault::IgnoresCase => topic.to_lowercase(),
            Fault::ReplacesDots => topic.replace('.', "_"),
            Fault::CutsNames => topic.chars().take(255).collect(),
            _ => topic.to_owned(),
        }
    }

    fn key(&self, topic: &str, key: &str) -> String {
        match self.fault {
            Fault::ForgetsKeys => fastrand::u64(..).to_string(),
            Fault::KeysAreEachNodes => format!("{} {key}", self.number),
            Fault::TrimsKeys => key.trim().to_owned(),
            Fault::KeysAreShared => format!("{topic}:{key}"),
            _ => key.to_owned(),
        }
    }

    /// Whether the event that was published with this key is still there.
    async fn has_event_of(&self, event: Outgoing<'_>) -> Result<bool, BackplaneError> {
        let known = event
            .key
            .and_then(|key| self.shared.keys.lock().unwrap().get(key).copied());
        let Some(place) = known else {
            return Ok(true);
        };
        let limit = ReadLimit {
            events: 1,
            bytes: 0,
        };
        let page = self.inner.read(event.topic, place.sequence - 1, limit);
        Ok(page
            .await?
            .messages
            .first()
            .is_some_and(|first| first.sequence == place.sequence))
    }

    fn spoil(&self, mut page: Page, after: u64, limit: ReadLimit) -> Page {
        match self.fault {
            Fault::HasAnEpochANode => page.epoch ^= self.number as u64,
            Fault::HasNeverMore => page.has_more = false,
            Fault::HasAlwaysMore => page.has_more = true,
            Fault::SkipsLargeEvents => {
                page.messages
                    .retain(|message| message.frame.len() <= limit.bytes);
            }
            Fault::NothingIsMissing => page.missing = None,
            Fault::EmptyHasNoEpoch if page.messages.is_empty() => page.epoch = 0,
            Fault::MissesWhatIsYetToCome if page.messages.is_empty() => {
                page.missing = page.missing.map(|_| u64::MAX);
            }
            Fault::EmptyIsMissing if page.messages.is_empty() => page.missing = Some(after + 1),
            Fault::ForgetsWhatIsMissing => {
                let is_anew = page
                    .messages
                    .first()
                    .is_none_or(|first| first.previous == 0);
                if is_anew {
                    page.missing = None;
                }
            }
            Fault::MissesTooLittle => page.missing = page.missing.map(|_| after + 1),
            Fault::MissesForAll => {
                let mut most = self.shared.most_missing.lock().unwrap();
                *most = (*most).max(page.missing);
                let first = page.messages.first().map_or(u64::MAX, |it| it.sequence);
                page.missing = most.filter(|most| *most > after && *most < first);
            }
            Fault::HidesTheNewestButOne => {
                let count = page.messages.len();
                let call = self.calls.fetch_add(1, Ordering::Relaxed);
                if count >= 2 && call % 2 == 0 {
                    page.messages.remove(count - 2);
                }
            }
            _ => {}
        }
        page
    }
}

/// Tries again and again, in a task of its own.
fn until_it_is_done<T, F>(call: impl Fn() -> F + Send + 'static)
where
    F: Future<Output = Result<T, BackplaneError>> + Send,
    T: Send,
{
    tokio::spawn(async move {
        while call().await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}
