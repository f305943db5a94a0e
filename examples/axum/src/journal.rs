//! What was published lately, kept for those who come back.
//!
//! A stream that follows the journal reads it from a position of its own, at its client's pace,
//! and a `watch` channel wakes it when there is more. History and live events come from the one
//! place, so there is no seam between them at which an event could be lost or come twice. A slow
//! client costs nothing but its position. If it falls so far behind that what it needs is gone, or
//! comes back with an id that means nothing here, it is told so by a `gap` event.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use async_stream::stream;
use futures_util::stream::{Stream, StreamExt as _, select_all};
use serde::Serialize;
use sse_layer::{EncodeError, Event, EventData, Frame, LastEventId};
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

use crate::{
    clock::Clock,
    message::{Message, Topic},
};

/// The journal; clones are handles on the same one.
#[derive(Clone)]
pub(crate) struct Journal(Arc<Shared>);

/// A handle that does not keep the journal alive, for a task that publishes into it for as long
/// as somebody may read it.
pub(crate) struct WeakJournal(Weak<Shared>);

struct Shared {
    /// Ids above this one are this journal's own.
    first_id: u64,
    capacity: usize,
    shelves: Mutex<Shelves>,
    news: [watch::Sender<()>; Topic::COUNT],
}

struct Shelves {
    last_id: u64,
    topics: [Shelf; Topic::COUNT],
}

/// What is kept of one topic, so that a busy one does not push out a quiet one's messages.
struct Shelf {
    kept: VecDeque<(u64, Message)>,
    /// The id of the newest message that is gone.
    evicted: u64,
}

/// What became of a message.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) id: u64,
    /// How many streams follow its topic.
    pub(crate) receivers: usize,
}

/// What a stream that follows the journal sends next.
#[derive(Debug)]
pub(crate) struct Entry {
    id: u64,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// Nothing yet. The id alone tells the client where it stands, should it be cut off before
    /// the first message.
    Position,
    Gap(Gap),
    Message(Message),
}

/// Tells a client that it may have missed something.
#[derive(Debug, Serialize)]
struct Gap {
    reason: GapReason,
    /// How many messages, where that is known.
    missed: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum GapReason {
    /// The next message is no longer kept.
    HistoryExceeded,
    /// The `Last-Event-ID` is not from here, such as one from before a restart.
    UnknownId,
}

/// Some messages at once, and the position behind them.
struct Page {
    gap: Option<(u64, Gap)>,
    messages: Vec<(u64, Message)>,
    position: u64,
}

impl Journal {
    /// An empty journal that keeps so many messages of each topic.
    ///
    /// Ids count up from the time at which the clock was started, in milliseconds: so they also
    /// increase over restarts, and an id from before one is known for what it is.
    pub(crate) fn new(clock: Clock, capacity: usize) -> Self {
        let first_id = u64::try_from(clock.start().as_millisecond()).unwrap_or(0);
        Self(Arc::new(Shared {
            first_id,
            capacity,
            shelves: Mutex::new(Shelves {
                last_id: first_id,
                topics: std::array::from_fn(|_| Shelf {
                    kept: VecDeque::new(),
                    evicted: first_id,
                }),
            }),
            news: std::array::from_fn(|_| watch::Sender::new(())),
        }))
    }

    /// Keeps a message, and wakes those who follow its topic.
    pub(crate) fn publish(&self, message: Message) -> Published {
        let topic = message.topic() as usize;
        let id = self.shelves().push(topic, message, self.0.capacity);
        let news = &self.0.news[topic];
        news.send_replace(());
        Published {
            id,
            receivers: news.receiver_count(),
        }
    }

    /// Follows some topics, each with how many of its latest messages a new client begins with.
    ///
    /// A client that comes back gets exactly what it missed.
    pub(crate) fn follow(
        &self,
        topics: &[(Topic, usize)],
        last_event_id: &LastEventId,
    ) -> impl Stream<Item = Entry> + use<> {
        // Before the first look at the journal: what comes after it will wake the stream.
        let mut news = select_all(
            topics
                .iter()
                .map(|&(topic, _)| WatchStream::from_changes(self.news(topic))),
        );
        let mut page = if last_event_id.is_malformed() || last_event_id.as_str().is_some() {
            self.after(last_event_id.parse().unwrap_or(0), topics)
        } else {
            self.latest(topics)
        };
        let (journal, topics) = (self.clone(), topics.to_vec());
        stream! {
            if page.gap.is_none() && page.messages.is_empty() {
                yield Entry { id: page.position, content: Content::Position };
            }
            loop {
                if let Some((id, gap)) = page.gap {
                    yield Entry { id, content: Content::Gap(gap) };
                }
                for (id, message) in page.messages {
                    yield Entry { id, content: Content::Message(message) };
                }
                news.next().await;
                page = journal.after(page.position, &topics);
            }
        }
    }

    /// Changes whenever something is published about the topic.
    pub(crate) fn news(&self, topic: Topic) -> watch::Receiver<()> {
        self.0.news[topic as usize].subscribe()
    }

    /// Whether the id is one that this journal has given out.
    pub(crate) fn knows(&self, id: u64) -> bool {
        (self.0.first_id..=self.shelves().last_id).contains(&id)
    }

    /// A handle that does not keep the journal alive.
    pub(crate) fn downgrade(&self) -> WeakJournal {
        WeakJournal(Arc::downgrade(&self.0))
    }

    /// The latest messages of each topic.
    fn latest(&self, topics: &[(Topic, usize)]) -> Page {
        let shelves = self.shelves();
        let mut messages = Vec::new();
        for &(topic, count) in topics {
            let kept = &shelves.topics[topic as usize].kept;
            messages.extend(kept.range(kept.len().saturating_sub(count)..).cloned());
        }
        Page::new(None, messages, shelves.last_id)
    }

    /// All messages that came after an id.
    fn after(&self, id: u64, topics: &[(Topic, usize)]) -> Page {
        let shelves = self.shelves();
        let known = (self.0.first_id..=shelves.last_id).contains(&id);
        let position = if known { id } else { self.0.first_id };
        let mut messages = Vec::new();
        let mut evicted = false;
        for &(topic, _) in topics {
            let Shelf {
                kept,
                evicted: newest_gone,
            } = &shelves.topics[topic as usize];
            let start = kept.partition_point(|&(id, _)| id <= position);
            messages.extend(kept.range(start..).cloned());
            evicted |= *newest_gone > position;
        }
        let gap = match (known, evicted) {
            (true, false) => None,
            (true, true) => Some(GapReason::HistoryExceeded),
            (false, _) => Some(GapReason::UnknownId),
        };
        Page::new(gap, messages, shelves.last_id)
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        // Nothing panics while it is held; and if it did, all is in order at every step.
        self.0
            .shelves
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl WeakJournal {
    /// The journal, if there still is one.
    pub(crate) fn upgrade(&self) -> Option<Journal> {
        self.0.upgrade().map(Journal)
    }
}

impl Shelves {
    fn push(&mut self, topic: usize, message: Message, capacity: usize) -> u64 {
        self.last_id += 1;
        let shelf = &mut self.topics[topic];
        shelf.kept.push_back((self.last_id, message));
        while shelf.kept.len() > capacity {
            shelf.evicted = shelf.kept.pop_front().map_or(self.last_id, |(id, _)| id);
        }
        self.last_id
    }
}

impl Page {
    fn new(gap: Option<GapReason>, mut messages: Vec<(u64, Message)>, position: u64) -> Self {
        messages.sort_unstable_by_key(|&(id, _)| id);
        // The gap has the id before what follows it: a client that is cut off right behind it is
        // not told of it again, and does not lose what follows either.
        let before = messages.first().map_or(position, |&(id, _)| id - 1);
        Self {
            gap: gap.map(|reason| {
                let gap = Gap {
                    reason,
                    missed: None,
                };
                (before, gap)
            }),
            messages,
            position,
        }
    }
}

impl Entry {
    /// The entry as it is sent, a message in the form that the route gives it.
    pub(crate) fn encode<D>(
        self,
        form: impl FnOnce(Message) -> Event<D>,
    ) -> Result<Frame, EncodeError>
    where
        D: EventData,
    {
        match self.content {
            Content::Position => Event::default().with_id(self.id).to_frame(),
            Content::Gap(gap) => Event::json(gap).event("gap").with_id(self.id).to_frame(),
            Content::Message(message) => form(message).with_id(self.id).to_frame(),
        }
    }
}
