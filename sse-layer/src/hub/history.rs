//! What is kept of a topic for those who come back.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::message::{Mark, Message};

/// How much of each topic is kept. Whichever bound is reached first counts; the oldest message
/// goes first.
///
/// ```
/// use std::time::Duration;
/// use sse_layer::hub::{History, Hub};
///
/// let hub = Hub::builder()
///     .history(History::new().events(500).bytes(256 * 1024).age(Duration::from_secs(60)))
///     .build();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct History {
    pub(super) events: usize,
    pub(super) bytes: usize,
    pub(super) age: Duration,
}

impl History {
    /// 1,000 events, 1 MiB, 5 minutes.
    pub const fn new() -> Self {
        Self {
            events: 1000,
            bytes: 1024 * 1024,
            age: Duration::from_secs(5 * 60),
        }
    }

    /// Nothing is kept. A client that comes back is told by a gap if its topic has gone on.
    pub const fn off() -> Self {
        Self::new().events(0)
    }

    /// How many events.
    pub const fn events(mut self, events: usize) -> Self {
        self.events = events;
        self
    }

    /// How many bytes: of each event those on the wire, and about 200 that go with it.
    ///
    /// An event that is larger than this by itself is sent and not kept, nor is what came before
    /// it.
    pub const fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// For how long. What is older is sent to nobody who comes back; a subscriber that was there
    /// still gets it from its topic's queue. Its memory is given back within a quarter of this
    /// time, or within 15 seconds, whichever is shorter.
    pub const fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    pub(super) const fn is_off(&self) -> bool {
        self.events == 0 || self.bytes == 0 || self.age.is_zero()
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

/// The messages that are kept of one topic.
pub(super) struct Shelf {
    bounds: History,
    kept: VecDeque<Message>,
    bytes: usize,
    /// The place behind the newest message that is gone.
    evicted: Mark,
    /// Before the topic's first message, if it is known which one that was.
    beginning: Option<u64>,
    is_known_from_the_beginning: bool,
}

/// Some of what a reader has not seen.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Behind what the reader has not seen and is gone, if there is something.
    pub(super) hole: Option<Mark>,
    pub(super) messages: VecDeque<Message>,
}

impl Shelf {
    /// Up to `unknown`, nobody knows any more what there was in the topic.
    pub(super) fn new(bounds: History, unknown: u64) -> Self {
        Self {
            bounds,
            kept: VecDeque::new(),
            bytes: 0,
            evicted: Mark {
                sequence: unknown,
                count: Some(0),
            },
            beginning: None,
            is_known_from_the_beginning: unknown == 0,
        }
    }

    pub(super) const fn bounds(&self) -> History {
        self.bounds
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn newest(&self) -> Option<&Message> {
        self.kept.back()
    }

    /// Lets go of what is too old. Answers the bytes that became free.
    pub(super) fn expire(&mut self, now: Instant) -> usize {
        let mut freed = 0;
        while self
            .kept
            .front()
            .is_some_and(|oldest| now.saturating_duration_since(oldest.at()) >= self.bounds.age)
        {
            freed += self.evict();
        }
        if self.kept.is_empty() {
            self.kept = VecDeque::new();
        }
        freed
    }

    /// Whether a message of this cost is kept at all.
    pub(super) fn keeps(&self, cost: usize) -> bool {
        !self.bounds.is_off() && cost <= self.bounds.bytes
    }

    /// Lets go of as many messages as another one of this cost needs. Answers the bytes that became
    /// free.
    pub(super) fn make_room(&mut self, cost: usize) -> usize {
        let mut freed = 0;
        while !self.kept.is_empty()
            && (self.kept.len() >= self.bounds.events || self.bytes + cost > self.bounds.bytes)
        {
            freed += self.evict();
        }
        freed
    }

    /// Lets go of the oldest message. Answers the bytes that became free.
    pub(super) fn evict(&mut self) -> usize {
        let Some(oldest) = self.kept.pop_front() else {
            return 0;
        };
        self.evicted = oldest.behind();
        let freed = oldest.cost();
        self.bytes -= freed;
        freed
    }

    /// Keeps a message, newer than all others.
    pub(super) fn keep(&mut self, message: Message) {
        self.note_beginning(&message);
        self.bytes += message.cost();
        self.kept.push_back(message);
    }

    /// Takes note of a message that is not kept. With those before it there would be a hole in
    /// the middle, so they go too; answers the bytes that became free.
    pub(super) fn pass(&mut self, message: &Message) -> usize {
        let mut freed = 0;
        while !self.kept.is_empty() {
            freed += self.evict();
        }
        self.note_beginning(message);
        self.evicted = message.behind();
        freed
    }

    fn note_beginning(&mut self, message: &Message) {
        if self.is_known_from_the_beginning && self.beginning.is_none() {
            self.beginning = Some(message.sequence() - 1);
        }
    }

    /// The place of a reader that has seen everything up to this message.
    pub(super) fn place(&self, sequence: u64, end: Mark) -> Mark {
        let next = self
            .kept
            .partition_point(|message| message.sequence() <= sequence);
        let count = match self.kept.get(next) {
            // Between what is gone and the first that is kept.
            Some(message) if next > 0 || sequence >= self.evicted.sequence => {
                message.before().count
            }
            None if sequence >= self.evicted.sequence => end.count,
            // Among what is gone, or before the topic's first message.
            _ => self
                .beginning
                .filter(|beginning| sequence <= *beginning)
                .map(|_| 0),
        };
        Mark { sequence, count }
    }

    /// The number right before the first message behind this one, if that is kept.
    pub(super) fn first_behind(&self, sequence: u64) -> Option<u64> {
        let next = self
            .kept
            .partition_point(|message| message.sequence() <= sequence);
        let first = self.kept.get(next)?;
        (self.evicted.sequence <= sequence).then(|| first.sequence() - 1)
    }

    /// The place that has the newest `count` messages up to this number behind it.
    /// Tells whether they are all here.
    pub(super) fn place_before_newest(&self, count: usize, up_to: u64, end: Mark) -> (Mark, bool) {
        let behind = self
            .kept
            .partition_point(|message| message.sequence() <= up_to);
        let first = behind.saturating_sub(count);
        let is_all_here = behind >= count || self.evicted.sequence == 0;
        match self.kept.get(first) {
            Some(message) if first < behind => (message.before(), is_all_here),
            _ => (self.place(up_to, end), is_all_here),
        }
    }

    /// The messages from a place to another one, so many at most and of so many bytes at most,
    /// but one at least.
    pub(super) fn read(&self, from: Mark, to: Mark, limit: PageLimit) -> Page {
        let evicted = if self.evicted.sequence > to.sequence {
            to
        } else {
            self.evicted
        };
        let hole = (evicted.sequence > from.sequence).then_some(evicted);
        let next = self
            .kept
            .partition_point(|message| message.sequence() <= from.sequence);
        let mut messages = VecDeque::new();
        let mut bytes = 0;
        for message in self.kept.range(next..) {
            bytes += message.cost();
            let is_full = messages.len() >= limit.messages || bytes > limit.bytes;
            if message.sequence() > to.sequence || (is_full && !messages.is_empty()) {
                break;
            }
            messages.push_back(message.clone());
        }
        Page { hole, messages }
    }
}

/// How much is read at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageLimit {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}
