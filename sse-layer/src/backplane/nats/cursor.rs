//! A consumer that brings the messages of one topic, some at a time.

use std::time::Duration;

use async_nats::{Message, Subscriber};
use bytes::Bytes;
use futures_core::Stream;
use serde_json::json;
use tokio::time;

use super::{
    Shared,
    delivery::{Delivery, number},
    read::Reading,
};
use crate::backplane::{BackplaneError, Failure, Stored};

/// When the server throws a consumer away that was left behind.
const LEFT_BEHIND: Duration = Duration::from_secs(30);

/// A consumer of the stream.
pub(super) struct Cursor<'a> {
    shared: &'a Shared,
    name: String,
    inbox: String,
    messages: Subscriber,
    /// How many are there and were not asked for yet.
    pending: u64,
    /// The number of the last one that has come.
    seen: u64,
}

/// A message as it is stored.
pub(super) struct Item {
    pub(super) sequence: u64,
    pub(super) nanos: u64,
    /// How many are behind it.
    pending: u64,
    /// Its size, also if its payload was not asked for.
    pub(super) size: usize,
    pub(super) payload: Bytes,
}

impl<'a> Cursor<'a> {
    pub(super) async fn open(
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
        let api = &shared.api;
        let made = api.call_again(reading.generation, &subject, &question);
        let made = made.await?;
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

    /// How many are there and were not asked for yet.
    pub(super) const fn pending(&self) -> u64 {
        self.pending
    }

    /// Whether there is more up to this number. What is published meanwhile is not followed, which
    /// might have no end.
    pub(super) const fn is_before(&self, last: u64) -> bool {
        self.seen < last
    }

    /// The next ones, so many at most, and of so many bytes. Nothing where the first is larger.
    pub(super) async fn next(
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
    pub(super) async fn close(self) {
        let stream = self.shared.subjects.stream();
        let subject = format!("$JS.API.CONSUMER.DELETE.{stream}.{}", self.name);
        let _ = self.shared.api.client.publish(subject, Bytes::new()).await;
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

    pub(super) fn stored(self) -> Stored {
        Stored {
            sequence: self.sequence,
            previous: 0,
            frame: self.payload,
        }
    }
}
