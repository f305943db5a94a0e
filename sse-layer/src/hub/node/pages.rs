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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{
        backplane::Stored,
        hub::{
            history::History,
            message::Draft,
            position::{Epoch, ID_LINE_MAX},
        },
    };

    fn topic() -> Arc<Topic> {
        Arc::new(Topic::of_engine("news".into(), History::new()))
    }

    fn asked(topic: &Arc<Topic>, after: u64) -> Arc<Asked> {
        Arc::new(Asked::new(Arc::clone(topic), From::After(after), 0))
    }

    fn page(after: u64, whole_up_to: u64) -> ReadPage {
        ReadPage {
            after,
            missing: None,
            messages: Vec::new(),
            whole_up_to,
        }
    }

    /// A page that is there.
    fn came(pages: &mut Pages, topic: &Arc<Topic>, page: ReadPage, now: Instant) -> Arc<Asked> {
        let asked = asked(topic, page.after);
        pages.insert(Arc::clone(&asked));
        asked.set(Some(page));
        pages.came(Arc::clone(&asked), now);
        asked
    }

    /// Behind which number the page was asked for that somebody gets.
    fn found(pages: &Pages, topic: &Arc<Topic>, after: u64, waits: bool) -> Option<u64> {
        let found = pages.find(topic, From::After(after), waits)?;
        match found.from {
            From::After(after) => Some(after),
            From::Newest(_) => None,
        }
    }

    #[test]
    fn a_page_tells_what_comes_behind_the_numbers_that_it_reaches() {
        let mut page = page(10, 20);
        assert!([10, 11, 19].into_iter().all(|after| page.tells(after)));
        assert!(![9, 20, 21].into_iter().any(|after| page.tells(after)));
        // On which side of 11 it is missing, nobody can tell.
        page.missing = Some(15);
        assert!([10, 15, 16].into_iter().all(|after| page.tells(after)));
        assert!(![11, 14].into_iter().any(|after| page.tells(after)));
    }

    #[test]
    fn what_is_on_its_way_is_for_whoever_is_a_little_further_and_waits() {
        let (topic, other, mut pages) = (topic(), topic(), Pages::default());
        for after in [10, 40] {
            pages.insert(asked(&topic, after));
        }
        assert_eq!(found(&pages, &topic, 50, true), Some(40));
        assert_eq!(found(&pages, &topic, 39, true), Some(10));
        assert_eq!(found(&pages, &topic, 9, true), None);
        assert_eq!(found(&pages, &other, 50, true), None);
        assert_eq!(found(&pages, &topic, 50, false), None);
        assert_eq!(found(&pages, &topic, 40, false), Some(40));
        // One that came reaches over ten numbers, so that the others will not reach further.
        came(&mut pages, &topic, page(0, 10), Instant::now());
        assert_eq!(found(&pages, &topic, 49, true), Some(40));
        assert_eq!(found(&pages, &topic, 50, true), None);
        // What is there is better than what is on its way.
        came(&mut pages, &topic, page(35, 60), Instant::now());
        assert_eq!(found(&pages, &topic, 50, true), Some(35));
    }

    #[test]
    fn the_newest_are_shared_as_long_as_they_are_on_their_way() {
        let (topic, mut pages) = (topic(), Pages::default());
        let newest = Arc::new(Asked::new(Arc::clone(&topic), From::Newest(3), 0));
        pages.insert(Arc::clone(&newest));
        assert!(pages.find(&topic, From::Newest(3), false).is_some());
        assert!(pages.find(&topic, From::Newest(4), false).is_none());
        assert!(pages.find(&topic, From::After(7), true).is_none());
        newest.set(Some(page(0, 10)));
        assert!(pages.find(&topic, From::Newest(3), false).is_none());
        pages.came(newest, Instant::now());
        assert!(pages.asked.is_empty() && pages.came.is_empty());
    }

    #[test]
    fn a_page_that_will_not_come_is_asked_for_again() {
        let (topic, mut pages) = (topic(), Pages::default());
        let (first, second) = (asked(&topic, 10), asked(&topic, 10));
        pages.insert(Arc::clone(&first));
        first.set(None);
        assert_eq!(found(&pages, &topic, 10, true), None);
        pages.insert(Arc::clone(&second));
        pages.came(first, Instant::now());
        assert_eq!(found(&pages, &topic, 10, false), Some(10));
        second.set(None);
        pages.came(second, Instant::now());
        assert!(pages.asked.is_empty() && pages.came.is_empty());
    }

    #[test]
    fn pages_are_kept_for_a_while() {
        let (topic, mut pages) = (topic(), Pages::default());
        let now = Instant::now();
        came(&mut pages, &topic, page(10, 20), now);
        came(&mut pages, &topic, page(20, 30), now + KEPT_FOR / 2);
        pages.sweep(now + KEPT_FOR * 3 / 4);
        assert_eq!(found(&pages, &topic, 15, false), Some(10));
        pages.sweep(now + KEPT_FOR);
        assert_eq!(found(&pages, &topic, 15, false), None);
        assert_eq!(found(&pages, &topic, 25, false), Some(20));
    }

    #[test]
    fn pages_take_no_more_bytes_than_they_may() {
        let (topic, mut pages) = (topic(), Pages::default());
        let message = |sequence| {
            let stored = Stored {
                sequence,
                previous: sequence - 1,
                frame: Bytes::new(),
            };
            let draft = Draft(vec![b'x'; ID_LINE_MAX + KEPT_BYTES / 4]);
            draft.stored(Epoch::of(1), "news".into(), &stored)
        };
        for after in 0..10 {
            let page = ReadPage {
                messages: vec![message(after + 1)],
                ..page(after, after + 1)
            };
            came(&mut pages, &topic, page, Instant::now());
        }
        let there = (0..10).filter(|after| found(&pages, &topic, *after, false).is_some());
        assert_eq!(there.collect::<Vec<_>>(), [7, 8, 9]);
        assert!(pages.bytes > KEPT_BYTES / 2 && pages.bytes <= KEPT_BYTES);
        pages.sweep(Instant::now() + KEPT_FOR);
        assert_eq!(pages.bytes, 0);
        assert!(pages.asked.is_empty());
    }
}
