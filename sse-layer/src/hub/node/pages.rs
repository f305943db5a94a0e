//! The pages that were asked for, and those that came: each once, for all who want some of it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Instant;

use crate::hub::{
    answer::{Answer, Awaited},
    history,
    message::{Mark, Message},
    topic::Topic,
};

/// So much is kept for others who may come for it, and for so long: clients that were cut off
/// together come back together.
const KEPT_BYTES: usize = 8 * 1024 * 1024;
const KEPT_FOR: Duration = Duration::from_secs(2);

/// Among so many pages before the number that somebody asks for, one is looked for that has it.
const LOOKED_AT: usize = 32;

#[derive(Default)]
pub(super) struct Pages {
    asked: BTreeMap<(TopicKey, From), Arc<Asked>>,
    /// Those that came, the oldest first, and when.
    came: VecDeque<(Instant, Arc<Asked>)>,
    bytes: usize,
}

/// The topic's address: whoever asks for it holds it.
type TopicKey = usize;

/// A page that was asked for.
pub(super) struct Asked {
    pub(super) topic: Arc<Topic>,
    pub(super) from: From,
    /// What the node knew to be published before the page was asked for.
    pub(super) known: u64,
    answer: Arc<Answer<Option<ReadPage>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum From {
    After(u64),
    Newest(usize),
}

/// Some of a topic, from the engine.
pub(in crate::hub) struct ReadPage {
    /// Behind which number was read.
    pub(super) after: u64,
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

    /// Whether it tells what comes behind a number: the next message, or up to where there is none.
    /// Of what is missing it can't be told on which side of another number it was.
    fn tells(&self, after: u64) -> bool {
        let is_told = |missing| missing <= after || self.after == after;
        self.after <= after && after < self.whole_up_to && self.missing.is_none_or(is_told)
    }

    fn bytes(&self) -> usize {
        self.messages.iter().map(Message::cost).sum()
    }
}

/// One who waits for a page.
pub(in crate::hub) struct Read {
    from: From,
    page: Awaited<Option<ReadPage>>,
}

impl Read {
    /// The page; `None` where the topic is lost, nobody waited for it any more, or it was read for
    /// somebody else and does not reach this one's place.
    pub(in crate::hub) fn poll(&mut self, cx: &Context<'_>) -> Poll<Option<&ReadPage>> {
        let from = self.from;
        self.page.poll(cx).map(|page| {
            page.as_ref().filter(|page| match from {
                From::After(after) => page.after == after || page.tells(after),
                From::Newest(_) => true,
            })
        })
    }
}

impl Asked {
    pub(super) fn new(topic: Arc<Topic>, from: From, known: u64) -> Self {
        Self {
            topic,
            from,
            known,
            answer: Answer::new(),
        }
    }

    /// One more who waits.
    pub(super) fn read(&self, from: From) -> Read {
        Read {
            from,
            page: Awaited::new(Arc::clone(&self.answer)),
        }
    }

    pub(super) fn is_wanted(&self) -> bool {
        Arc::strong_count(&self.answer) > 1
    }

    pub(super) fn set(&self, page: Option<ReadPage>) {
        self.answer.set(page);
    }

    fn key(&self) -> (TopicKey, From) {
        (key_of(&self.topic), self.from)
    }

    fn answered(&self) -> Option<&ReadPage> {
        self.answer.get()?.as_ref()
    }
}

fn key_of(topic: &Arc<Topic>) -> TopicKey {
    Arc::as_ptr(topic).addr()
}

impl Pages {
    /// The page that has what somebody asks for. One that is still on its way may turn out to end
    /// before that; whoever `waits` takes the nearest.
    pub(super) fn find(&self, topic: &Arc<Topic>, from: From, waits: bool) -> Option<&Arc<Asked>> {
        let key = key_of(topic);
        let From::After(after) = from else {
            let same = self.asked.get(&(key, from));
            return same.filter(|asked| asked.answer.get().is_none());
        };
        let before = self.asked.range((key, From::After(0))..=(key, from));
        let mut on_its_way = None;
        let mut length = None;
        for (_, asked) in before.rev().take(LOOKED_AT) {
            match asked.answer.get() {
                Some(Some(page)) if page.tells(after) => return Some(asked),
                Some(Some(page)) => length = length.or(page.whole_up_to.checked_sub(page.after)),
                None if asked.from == from => return Some(asked),
                None if waits && on_its_way.is_none() => on_its_way = Some(asked),
                _ => {}
            }
        }
        // How far it will reach, a page that came is a guide to.
        on_its_way.filter(|asked| match asked.from {
            From::After(begin) => length.is_none_or(|length| after - begin < length),
            From::Newest(_) => false,
        })
    }

    pub(super) fn insert(&mut self, asked: Arc<Asked>) {
        self.asked.insert(asked.key(), asked);
    }

    /// Keeps a page that came, or forgets one that won't.
    pub(super) fn came(&mut self, asked: Arc<Asked>, now: Instant) {
        match (asked.answered(), asked.from) {
            (Some(page), From::After(_)) => {
                self.bytes += page.bytes();
                self.came.push_back((now, asked));
            }
            _ => self.forget(&asked),
        }
        self.sweep(now);
    }

    /// Lets go of the oldest.
    pub(super) fn sweep(&mut self, now: Instant) {
        let is_old = |(came, _): &mut _| now - *came >= KEPT_FOR;
        while self.bytes > KEPT_BYTES || self.came.front_mut().is_some_and(is_old) {
            let Some((_, oldest)) = self.came.pop_front() else {
                break;
            };
            self.bytes -= oldest.answered().map_or(0, ReadPage::bytes);
            self.forget(&oldest);
        }
    }

    /// Unless another was asked for in its place.
    fn forget(&mut self, asked: &Arc<Asked>) {
        let key = asked.key();
        if self
            .asked
            .get(&key)
            .is_some_and(|kept| Arc::ptr_eq(kept, asked))
        {
            self.asked.remove(&key);
        }
    }
}
