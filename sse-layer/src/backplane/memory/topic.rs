//! What the engine holds of one topic.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;

use super::keys::{Keys, later};
use crate::backplane::{Bounds, Outgoing, Page, ReadLimit, Stored};

pub(super) struct Topic {
    held: VecDeque<Held>,
    /// Of all frames that are held.
    bytes: usize,
    /// The newest number that was published, also when it is gone.
    newest: u64,
    /// The newest number that is gone.
    gone: u64,
    /// Up to here nobody knows any more what there was.
    unknown: u64,
    /// When all of this is of no use any more.
    until: Instant,
    keys: Keys,
}

struct Held {
    at: Instant,
    event: Stored,
}

impl Topic {
    pub(super) fn new(unknown: u64, now: Instant) -> Self {
        Self {
            held: VecDeque::new(),
            bytes: 0,
            newest: 0,
            gone: 0,
            unknown,
            until: now,
            keys: Keys::default(),
        }
    }

    pub(super) fn newest_number(&self) -> u64 {
        self.newest
    }

    /// Forgets what is of no use any more. Answers whether anything is left.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        self.keys.expire(now);
        if now >= self.until {
            self.held = VecDeque::new();
            self.bytes = 0;
            self.gone = self.newest;
        }
        now < self.until || !self.keys.is_empty()
    }

    /// What was published with this key.
    pub(super) fn published(&self, key: &str) -> Option<u64> {
        self.keys.get(key)
    }

    /// Keeps an event, and lets go of as many as do not fit beside it.
    pub(super) fn publish(
        &mut self,
        event: &Outgoing<'_>,
        sequence: u64,
        now: Instant,
        bounds: &Bounds,
    ) -> Stored {
        let stored = Stored {
            sequence,
            previous: self.newest,
            frame: Bytes::copy_from_slice(event.frame),
        };
        self.newest = sequence;
        self.until = later(now, held_for(bounds));
        self.bytes += stored.frame.len();
        self.held.push_back(Held {
            at: now,
            event: stored.clone(),
        });
        while self.held.len() > bounds.events || self.bytes > bounds.bytes {
            if !self.let_go() {
                break;
            }
        }
        while self
            .held
            .front()
            .is_some_and(|oldest| now.saturating_duration_since(oldest.at) >= held_for(bounds))
        {
            self.let_go();
        }
        if let Some(key) = event.key {
            self.keys.remember(key, sequence, later(now, bounds.keys));
        }
        stored
    }

    pub(super) fn read(&self, after: u64, limit: ReadLimit, now: Instant, bounds: &Bounds) -> Page {
        let first = self.first_within(now, bounds);
        let next = self
            .held
            .partition_point(|held| held.event.sequence <= after);
        let mut page = Page {
            missing: self.missing(first, after),
            ..Page::default()
        };
        let mut bytes = 0;
        for held in self.held.range(first.max(next)..) {
            bytes += held.event.frame.len();
            let is_full = page.messages.len() >= limit.events || bytes > limit.bytes;
            if is_full && !page.messages.is_empty() {
                page.has_more = true;
                break;
            }
            page.messages.push(held.event.clone());
        }
        page
    }

    pub(super) fn newest(&self, limit: ReadLimit, now: Instant, bounds: &Bounds) -> Page {
        let first = self.first_within(now, bounds);
        let mut page = Page::default();
        let mut bytes = 0;
        for held in self.held.range(first..).rev() {
            bytes += held.event.frame.len();
            let is_full = page.messages.len() >= limit.events || bytes > limit.bytes;
            if is_full && !page.messages.is_empty() {
                page.has_more = true;
                break;
            }
            page.messages.push(held.event.clone());
        }
        page.messages.reverse();
        page
    }

    /// Which one is the first that is within the bounds of the node that reads.
    fn first_within(&self, now: Instant, bounds: &Bounds) -> usize {
        let mut bytes = 0;
        let within = self
            .held
            .iter()
            .rev()
            .take(bounds.events)
            .take_while(|held| {
                bytes += held.event.frame.len();
                bytes <= bounds.bytes && now.saturating_duration_since(held.at) < bounds.age
            });
        self.held.len() - within.count()
    }

    fn missing(&self, first: usize, after: u64) -> Option<u64> {
        let gone = match first.checked_sub(1).and_then(|last| self.held.get(last)) {
            Some(held) => held.event.sequence,
            None => self.gone,
        };
        // Whoever reads from the beginning reads a topic that has begun anew.
        let unknown = if after == 0 { 0 } else { self.unknown };
        Some(gone.max(unknown)).filter(|missing| *missing > after)
    }

    fn let_go(&mut self) -> bool {
        let Some(oldest) = self.held.pop_front() else {
            return false;
        };
        self.bytes -= oldest.event.frame.len();
        self.gone = oldest.event.sequence;
        true
    }
}

/// What is too old to be given still shows for a while that something is gone.
fn held_for(bounds: &Bounds) -> Duration {
    bounds.age.saturating_mul(2)
}
