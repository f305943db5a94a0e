//! What is read of a topic.
//!
//! The last message is asked for by itself, since mostly there is none. More are read through a
//! consumer that lives as long as the reading. Which server of a cluster has the consumer is left to
//! chance, and it may be behind the stream's leader: so a reading does not end before that last one.
//! Whether something is missing is found out after that, so that what is taken away meanwhile counts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_nats::{Message, Subscriber};
use bytes::Bytes;
use futures_core::Stream;
use serde_json::{Value, json};
use tokio::time;

use super::{
    Shared,
    api::{ApiError, NO_MESSAGE},
    delivery::{Delivery, number},
    stream::{self, Facts},
};
use crate::backplane::{BackplaneError, Failure, Page, ReadLimit, Stored};

/// How many messages are asked for at once.
const BATCH: usize = 500;

/// When the server throws a consumer away that was left behind.
const LEFT_BEHIND: Duration = Duration::from_secs(30);

/// One reading of one topic.
pub(super) struct Reading<'a> {
    pub(super) shared: &'a Shared,
    pub(super) generation: u64,
    pub(super) facts: Facts,
    pub(super) subject: String,
}

/// A message as it is stored.
struct Item {
    sequence: u64,
    nanos: u64,
    /// How many are behind it.
    pending: u64,
    /// Its size, also if its payload was not asked for.
    size: usize,
    payload: Bytes,
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
        let mut excess = self.excess(cursor.pending);
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

    /// The newest.
    pub(super) async fn newest(self, limit: ReadLimit) -> Result<Page, BackplaneError> {
        let mut page = self.page();
        let last = self.last().await?;
        if last == 0 {
            self.look_for_missing(0, &mut page).await?;
            return self.still_same(page);
        }
        // Sizes and times of all first: only of those that fit the bodies are wanted.
        let mut cursor = Cursor::open(&self, 1, true).await?;
        let excess = usize::try_from(self.excess(cursor.pending)).unwrap_or(usize::MAX);
        let mut heads = Vec::new();
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
        let outside = outside
            .take_while(|(at, head)| *at < excess || head.nanos < oldest)
            .count();
        let (outside, given) = heads.split_at(outside);
        page.missing = outside.last().map(|head| head.sequence);
        let mut bytes = 0;
        let fitting = given.iter().rev().take(limit.events.max(1));
        let fitting = fitting
            .take_while(|head| {
                let is_first = bytes == 0;
                bytes += head.size.max(1);
                is_first || bytes <= limit.bytes
            })
            .count();
        page.has_more = fitting < given.len();
        let Some(first) = given.get(given.len() - fitting) else {
            self.look_for_missing(0, &mut page).await?;
            return self.still_same(page);
        };
        let previous = heads.iter().map(|head| head.sequence);
        let previous = previous
            .take_while(|sequence| *sequence < first.sequence)
            .last();
        let last = given.last().map_or(0, |head| head.sequence);
        let mut cursor = Cursor::open(&self, first.sequence, false).await?;
        while page.messages.len() < fitting && cursor.is_before(last) {
            let items = cursor
                .next((fitting - page.messages.len()).min(BATCH), None)
                .await?;
            if items.is_empty() {
                break;
            }
            page.messages.extend(items.into_iter().map(Item::stored));
        }
        cursor.close().await;
        if page.has_more {
            self.drop_evicted(&mut page).await?;
        } else {
            self.look_for_missing(0, &mut page).await?;
        }
        chain(
            &mut page.messages,
            previous.max(page.missing).unwrap_or_default(),
        );
        self.still_same(page)
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
        let answer = shared.api.call(self.generation, &subject, &question).await;
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

impl Item {
    fn read(message: Message) -> Option<Self> {
        let delivery = Delivery::of(&message)?;
        let size = number(message.headers.as_ref(), "Nats-Msg-Size");
        let size = size.and_then(|size| usize::try_from(size).ok());
        Some(Self {
            sequence: delivery.sequence,
            nanos: delivery.nanos,
            pending: delivery.pending,
            size: size.unwrap_or(message.payload.len()),
            payload: message.payload,
        })
    }

    fn stored(self) -> Stored {
        Stored {
            sequence: self.sequence,
            previous: 0,
            frame: self.payload,
        }
    }
}

/// A consumer of the stream.
struct Cursor<'a> {
    shared: &'a Shared,
    name: String,
    inbox: String,
    messages: Subscriber,
    /// How many are there and were not asked for yet.
    pending: u64,
    /// The number of the last one that has come.
    seen: u64,
}

impl<'a> Cursor<'a> {
    async fn open(
        reading: &Reading<'a>,
        start: u64,
        headers_only: bool,
    ) -> Result<Self, BackplaneError> {
        let shared = reading.shared;
        let stream = shared.subjects.stream();
        let inbox = shared.api.client.new_inbox();
        let messages = shared.api.client.subscribe(inbox.clone()).await;
        let messages =
            messages.map_err(|error| BackplaneError::new(Failure::Unavailable, error))?;
        let question = json!({
            "stream_name": stream,
            "config": {
                "deliver_policy": "by_start_sequence",
                "opt_start_seq": start,
                "ack_policy": "none",
                "replay_policy": "instant",
                "filter_subject": reading.subject,
                "inactive_threshold": LEFT_BEHIND.as_nanos() as u64,
                "mem_storage": true,
                "num_replicas": 1,
                "headers_only": headers_only,
            },
        });
        let subject = format!("$JS.API.CONSUMER.CREATE.{stream}");
        let made = shared
            .api
            .call(reading.generation, &subject, &question)
            .await?;
        let name = made["name"].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            shared,
            name,
            inbox,
            messages,
            pending: made["num_pending"].as_u64().unwrap_or_default(),
            seen: 0,
        })
    }

    /// Whether there is more up to this number. What is published meanwhile is not followed, which
    /// might have no end.
    const fn is_before(&self, last: u64) -> bool {
        self.seen < last
    }

    /// The next ones, so many at most, and of so many bytes. Nothing where the first is larger.
    async fn next(
        &mut self,
        batch: usize,
        bytes: Option<usize>,
    ) -> Result<Vec<Item>, BackplaneError> {
        let stream = self.shared.subjects.stream();
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{}", self.name);
        let batch = batch
            .min(usize::try_from(self.pending).unwrap_or(batch))
            .max(1);
        let mut question = json!({ "batch": batch });
        let is_behind = self.pending == 0;
        if is_behind {
            question["expires"] = json!((self.shared.api.timeout / 2).as_nanos() as u64);
        } else {
            question["no_wait"] = json!(true);
            if let Some(bytes) = bytes {
                question["max_bytes"] = json!(bytes.min(i32::MAX as usize));
            }
        }
        let question = Bytes::from(question.to_string());
        let client = &self.shared.api.client;
        let asked = client
            .publish_with_reply(subject, self.inbox.clone(), question)
            .await;
        asked.map_err(|error| BackplaneError::new(Failure::Unavailable, error))?;
        let mut items = Vec::with_capacity(batch);
        while items.len() < batch {
            let next =
                std::future::poll_fn(|cx| std::pin::Pin::new(&mut self.messages).poll_next(cx));
            let Ok(Some(message)) = time::timeout(self.shared.api.timeout, next).await else {
                let why = "the messages that were asked for do not come";
                return Err(BackplaneError::new(Failure::Unknown, why));
            };
            if message.status.is_some() {
                break;
            }
            if let Some(item) = Item::read(message) {
                self.pending = item.pending;
                self.seen = item.sequence;
                items.push(item);
            }
        }
        if is_behind && items.is_empty() {
            let why = "the server that has the consumer is too far behind the stream's leader";
            return Err(BackplaneError::new(Failure::Unavailable, why));
        }
        Ok(items)
    }

    /// Has the server throw it away.
    async fn close(self) {
        let stream = self.shared.subjects.stream();
        let subject = format!("$JS.API.CONSUMER.DELETE.{stream}.{}", self.name);
        let _ = self.shared.api.client.publish(subject, Bytes::new()).await;
    }
}

/// Tells each message the one before it.
fn chain(messages: &mut [Stored], mut previous: u64) {
    for message in messages {
        message.previous = previous;
        previous = message.sequence;
    }
}
