//! What is read of a topic.
//!
//! The last message is asked for by itself, since mostly there is none. More are read through a
//! consumer that lives as long as the reading. Which server of a cluster has the consumer is left to
//! chance, and it may be behind the stream's leader: so a reading does not end before that last one.
//! Whether something is missing is found out after that, so that what is taken away meanwhile counts.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{
    Shared,
    api::{ApiError, NO_MESSAGE},
    cursor::{Cursor, Item},
    stream::{self, Facts},
};
use crate::backplane::{BackplaneError, Failure, Page, ReadLimit, Stored};

/// How many messages are asked for at once.
const BATCH: usize = 500;

/// One reading of one topic.
pub(super) struct Reading<'a> {
    pub(super) shared: &'a Shared,
    pub(super) generation: u64,
    pub(super) facts: Facts,
    pub(super) subject: String,
}

impl Reading<'_> {
    /// What is behind a number.
    pub(super) async fn behind(self, after: u64, limit: ReadLimit) -> Result<Page, BackplaneError> {
        let mut page = self.page();
        let start = after.saturating_add(1);
        let last = self.last().await?;
        if last < start {
            self.look_for_missing(after, &mut page).await?;
            return self.still_same(page);
        }
        let mut cursor = Cursor::open(&self, start, false).await?;
        let mut excess = self.excess(cursor.pending());
        let oldest = self.oldest();
        let most = limit.events.max(1);
        let mut bytes = 0;
        while cursor.is_before(last) {
            let skipped = usize::try_from(excess).unwrap_or(BATCH);
            let want = (most - page.messages.len()).saturating_add(skipped);
            let room = limit.bytes.saturating_sub(bytes).max(1);
            let items = cursor.next(want.min(BATCH), Some(room)).await?;
            let items = match (items.is_empty(), page.messages.is_empty()) {
                (false, _) => items,
                // One event at least, however large.
                (true, true) => cursor.next(1, None).await?,
                (true, false) => break,
            };
            if items.is_empty() {
                break;
            }
            for item in items {
                if excess > 0 || (item.nanos < oldest && page.messages.is_empty()) {
                    excess = excess.saturating_sub(1);
                    page.missing = Some(item.sequence);
                } else {
                    bytes += item.payload.len();
                    page.messages.push(item.stored());
                }
            }
            if page.messages.len() >= most || bytes >= limit.bytes {
                break;
            }
        }
        page.has_more = cursor.is_before(last);
        cursor.close().await;
        self.look_for_missing(after, &mut page).await?;
        chain(&mut page.messages, page.missing.unwrap_or(after));
        self.still_same(page)
    }

    /// The newest. Sizes and times of all are read first: they tell where those begin that fit.
    pub(super) async fn newest(self, limit: ReadLimit) -> Result<Page, BackplaneError> {
        let (heads, outside) = self.heads().await?;
        let given = heads.len() - outside;
        let mut bytes = 0_usize;
        let fitting = heads.iter().rev().take(given.min(limit.events.max(1)));
        let fitting = fitting
            .take_while(|head| {
                let is_first = bytes == 0;
                bytes = bytes.saturating_add(head.size.max(1));
                is_first || bytes <= limit.bytes
            })
            .count();
        if fitting == 0 {
            return self.still_same(self.page());
        }
        let before = heads.len() - fitting;
        let after = heads[..before].last().map_or(0, |head| head.sequence);
        let limit = ReadLimit {
            events: fitting,
            bytes: usize::MAX,
        };
        let page = self.behind(after, limit).await?;
        Ok(Page {
            has_more: fitting < given,
            ..page
        })
    }

    /// All messages of the topic without their bodies, and how many of them are not given any more.
    async fn heads(&self) -> Result<(Vec<Item>, usize), BackplaneError> {
        let last = self.last().await?;
        let mut heads = Vec::new();
        if last == 0 {
            return Ok((heads, 0));
        }
        let mut cursor = Cursor::open(self, 1, true).await?;
        let excess = usize::try_from(self.excess(cursor.pending())).unwrap_or(usize::MAX);
        while cursor.is_before(last) {
            let items = cursor.next(BATCH, None).await?;
            if items.is_empty() {
                break;
            }
            heads.extend(items);
        }
        cursor.close().await;
        let oldest = self.oldest();
        let outside = heads.iter().enumerate();
        let outside = outside.take_while(|(at, head)| *at < excess || head.nanos < oldest);
        let outside = outside.count();
        Ok((heads, outside))
    }

    fn page(&self) -> Page {
        Page {
            epoch: self.facts.epoch,
            ..Page::default()
        }
    }

    /// A page that was read while the connection was lost may be of two streams.
    fn still_same(&self, page: Page) -> Result<Page, BackplaneError> {
        if self.shared.api.link.borrow().generation == self.generation {
            Ok(page)
        } else {
            Err(BackplaneError::new(
                Failure::Unavailable,
                "the connection was lost meanwhile",
            ))
        }
    }

    /// How many of so many are not given any more, since there are too many behind them.
    fn excess(&self, there: u64) -> u64 {
        there.saturating_sub(u64::try_from(self.facts.events).unwrap_or(u64::MAX))
    }

    /// What was stored before this is not given any more.
    fn oldest(&self) -> u64 {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(now.saturating_sub(self.facts.age).as_nanos()).unwrap_or_default()
    }

    /// The number of the last message of the topic, or 0.
    async fn last(&self) -> Result<u64, BackplaneError> {
        let last = self.find(json!({ "last_by_subj": self.subject })).await?;
        Ok(last.unwrap_or_default())
    }

    /// The number of a message, as the stream's leader has it: other servers may be behind.
    async fn find(&self, question: Value) -> Result<Option<u64>, BackplaneError> {
        let shared = self.shared;
        let subject = format!("$JS.API.STREAM.MSG.GET.{}", shared.subjects.stream());
        let answer = shared.api.call_again(self.generation, &subject, &question);
        let answer = answer.await;
        match answer {
            Ok(answer) => Ok(answer["message"]["seq"].as_u64()),
            Err(ApiError::Told(told)) if told.number == NO_MESSAGE => Ok(None),
            Err(error) => {
                let error = error.into();
                shared.suspect(&error);
                Err(error)
            }
        }
    }

    /// Takes from the page what was taken from the stream meanwhile: what was behind it may have
    /// gone before it could be read. Answers the number of the topic's oldest message.
    async fn drop_evicted(&self, page: &mut Page) -> Result<Option<u64>, BackplaneError> {
        let question = json!({ "seq": 1, "next_by_subj": self.subject });
        let oldest = self.find(question).await?;
        let messages = page.messages.iter();
        let gone =
            messages.take_while(|stored| oldest.is_none_or(|oldest| stored.sequence < oldest));
        let gone = gone.count();
        if let Some(last) = page.messages.drain(..gone).last() {
            page.missing = Some(oldest.map_or(last.sequence, |oldest| oldest - 1));
        }
        Ok(oldest)
    }

    /// Tells up to which number something behind `after` may be missing, where everything of the
    /// topic that is there behind it is on the page, or not on it only because of the limit.
    async fn look_for_missing(&self, after: u64, page: &mut Page) -> Result<(), BackplaneError> {
        let oldest = self.drop_evicted(page).await?;
        // The oldest goes first. So while one is there that is not behind it, all behind it are.
        let is_before = after > 0 && oldest.is_some_and(|oldest| oldest <= after);
        if is_before || page.missing.is_some() {
            return Ok(());
        }
        let held = stream::held(self.shared, self.generation, &self.subject).await?;
        let given = u64::try_from(self.facts.events).unwrap_or(u64::MAX);
        let is_whole = if held.of_subject > given {
            false
        } else if held.first <= after.saturating_add(1) {
            true
        } else {
            // A topic that was silent for twice the age begins anew.
            after == 0 && !held.is_short
        };
        let up_to = match page.messages.first() {
            Some(first) => first.sequence - 1,
            None => held.last,
        };
        page.missing = (!is_whole && up_to > after).then_some(up_to);
        Ok(())
    }
}

/// Tells each message the one before it.
fn chain(messages: &mut [Stored], mut previous: u64) {
    for message in messages {
        message.previous = previous;
        previous = message.sequence;
    }
}
