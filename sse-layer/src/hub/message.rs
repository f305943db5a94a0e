use std::{borrow::Cow, fmt, sync::Arc};

use tokio::time::Instant;

use super::position::{Epoch, ID_LINE_MAX};
use crate::{
    backplane::Stored,
    event::{EventId, Frame},
};

/// An event that was published: encoded once, and shared by all who get it.
///
/// This is what a subscription's filter sees, and what
/// [`Subscription::deliveries`](super::Subscription::deliveries) gives. What it tells of the
/// event is read from the bytes on the wire, so that it is the same wherever the event was
/// published.
#[derive(Clone)]
pub struct Message(Arc<Published>);

struct Published {
    topic: Arc<str>,
    sequence: u64,
    before: Mark,
    at: Instant,
    frame: Frame,
    /// Where in the frame the event begins, behind its id.
    event_at: usize,
}

/// A place in one topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// All messages up to this one are behind it.
    pub(super) sequence: u64,
    /// How many messages of the topic are behind it, where that is known.
    pub(super) count: Option<u64>,
}

impl Mark {
    /// Before everything.
    pub(super) const BEGINNING: Self = Self {
        sequence: 0,
        count: None,
    };

    /// How many messages lie between this place and a later one.
    pub(super) fn distance(self, later: Self) -> Option<u64> {
        later.count?.checked_sub(self.count?)
    }
}

/// An event that is written already, with room for its id in front.
#[derive(Debug)]
pub(super) struct Draft(pub(super) Vec<u8>);

impl Draft {
    /// The length of the event, without its id.
    pub(super) fn len(&self) -> usize {
        self.0.len() - ID_LINE_MAX
    }

    /// The event on the wire, without its id.
    pub(super) fn event(&self) -> &[u8] {
        &self.0[ID_LINE_MAX..]
    }

    /// What the message will take while it is kept, in bytes: the event, its id and what goes
    /// with it.
    pub(super) fn cost(&self) -> usize {
        self.0.len() + BESIDE_THE_FRAME
    }

    /// The message that an engine has stored.
    pub(super) fn stored(self, epoch: Epoch, topic: Arc<str>, stored: &Stored) -> Message {
        let before = Mark {
            sequence: stored.previous,
            count: None,
        };
        self.publish(epoch, topic, stored.sequence, before, Instant::now())
    }

    /// The message, with its place in the hub and in its topic.
    pub(super) fn publish(
        self,
        epoch: Epoch,
        topic: Arc<str>,
        sequence: u64,
        before: Mark,
        at: Instant,
    ) -> Message {
        // A `Vec` with spare capacity would be given a second allocation by `Bytes`.
        let mut block = self.0.into_boxed_slice();
        let mut start = 0;
        if let Some(room) = block.first_chunk_mut() {
            start = epoch.write_id_line(sequence, room);
        }
        let frame = Frame::from_block(bytes::Bytes::from(block).slice(start..));
        Message(Arc::new(Published {
            topic,
            sequence,
            before,
            at,
            frame,
            event_at: ID_LINE_MAX - start,
        }))
    }
}

/// What stands in the queue for messages that are lost.
const LOSS: &[u8] = b"";

/// What a message takes beside its frame: itself, its counts of references, its places in the
/// history and in the queue.
const BESIDE_THE_FRAME: usize = size_of::<Published>() + 72;

impl Message {
    /// In the place of messages up to this number, which nobody has any more.
    pub(super) fn of_loss(topic: Arc<str>, sequence: u64, before: Mark) -> Self {
        Self(Arc::new(Published {
            topic,
            sequence,
            before,
            at: Instant::now(),
            frame: Frame::from_static(LOSS),
            event_at: 0,
        }))
    }

    /// Whether it only tells that messages are lost. No other has an empty frame.
    pub(super) fn is_loss(&self) -> bool {
        self.0.frame.as_bytes().is_empty()
    }

    /// The id that the hub gave it.
    pub fn id(&self) -> EventId {
        let line = &self.0.frame.as_bytes()[..self.0.event_at];
        let id = line.strip_prefix(b"id: ").unwrap_or(line).trim_ascii_end();
        EventId::new(String::from_utf8_lossy(id)).unwrap_or_else(|_| self.sequence().into())
    }

    /// The topic that it was published to.
    pub fn topic(&self) -> &str {
        &self.0.topic
    }

    /// The event's name, if it has one.
    pub fn event(&self) -> Option<&str> {
        self.fields()
            .find_map(|(field, value)| (field == "event").then_some(value))
    }

    /// The event's data as a client receives it: the lines joined by LF. `None` for an event
    /// without data, which clients don't dispatch.
    pub fn data(&self) -> Option<Cow<'_, str>> {
        let mut lines = self
            .fields()
            .filter_map(|(field, value)| (field == "data").then_some(value));
        let mut data = Cow::Borrowed(lines.next()?);
        for line in lines {
            let data = data.to_mut();
            data.push('\n');
            data.push_str(line);
        }
        Some(data)
    }

    /// The event's data, read as JSON.
    ///
    /// # Errors
    ///
    /// That it has no data, or that its data is no such value.
    #[cfg(feature = "json")]
    pub fn json<T>(&self) -> Result<T, crate::BoxError>
    where
        T: serde::de::DeserializeOwned,
    {
        let data = self.data().ok_or("the event has no data")?;
        Ok(serde_json::from_str(&data)?)
    }

    /// The event as it goes over the wire, with its id.
    pub fn frame(&self) -> &Frame {
        &self.0.frame
    }

    pub(super) fn sequence(&self) -> u64 {
        self.0.sequence
    }

    /// The place right before it.
    pub(super) fn before(&self) -> Mark {
        self.0.before
    }

    /// The place right behind it.
    pub(super) fn behind(&self) -> Mark {
        Mark {
            sequence: self.0.sequence,
            // How many are lost is not known.
            count: match self.is_loss() {
                true => None,
                false => self.0.before.count.map(|count| count + 1),
            },
        }
    }

    /// When it was published.
    pub(super) fn at(&self) -> Instant {
        self.0.at
    }

    /// What it takes while it is kept: what its draft said.
    pub(super) fn cost(&self) -> usize {
        let event = self.0.frame.as_bytes().len() - self.0.event_at;
        event + ID_LINE_MAX + BESIDE_THE_FRAME
    }

    /// The event's fields, in order: as the encoder writes them, with LF and one space.
    fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let event = &self.0.frame.as_bytes()[self.0.event_at..];
        // All that an encoder takes is text.
        let event = std::str::from_utf8(event).unwrap_or_default();
        event.split('\n').filter_map(|line| {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            (!field.is_empty()).then(|| (field, value.strip_prefix(' ').unwrap_or(value)))
        })
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("topic", &self.topic())
            .field("frame", self.frame())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;

    fn message(event: &Event) -> Message {
        let mut written = vec![0; ID_LINE_MAX];
        event.encode_into(&mut written, None).unwrap();
        let before = Mark {
            sequence: 6,
            count: Some(2),
        };
        Draft(written).publish(Epoch::of(1), "t".into(), 7, before, Instant::now())
    }

    #[test]
    fn a_message_tells_what_was_published() {
        let event = Event::text("one\ntwo\r\n\r\n: three")
            .event("e: f")
            .comment("c");
        let message = message(&event);
        assert_eq!(message.id(), "0000000000000001-7");
        assert_eq!(message.topic(), "t");
        assert_eq!(message.event(), Some("e: f"));
        assert_eq!(message.data().unwrap(), "one\ntwo\n\n: three");
        let frame = String::from_utf8(message.frame().as_bytes().to_vec()).unwrap();
        assert_eq!(
            frame,
            "id: 0000000000000001-7\n: c\nevent: e: f\n\
             data: one\ndata: two\ndata:\ndata: : three\n\n"
        );
    }

    #[test]
    fn empty_data_is_data_and_none_is_none() {
        assert_eq!(message(&Event::text("")).data().unwrap(), "");
        assert_eq!(message(&Event::default().event("e")).data(), None);
        assert_eq!(message(&Event::text("data")).event(), None);
    }

    #[test]
    fn what_it_costs_is_known_before_it_is_published() {
        let mut written = vec![0; ID_LINE_MAX];
        Event::text("x").encode_into(&mut written, None).unwrap();
        let draft = Draft(written);
        assert_eq!(draft.len(), "data: x\n\n".len());
        let cost = draft.cost();
        let mark = Mark {
            sequence: 0,
            count: None,
        };
        let message = draft.publish(Epoch::of(1), "t".into(), 1, mark, Instant::now());
        assert_eq!(message.cost(), cost);
    }
}
