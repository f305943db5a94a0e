use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{error::PublishError, message::Draft, position::ID_LINE_MAX, shared::Shared};
use crate::event::{Event, EventData, EventId};

/// An event on its way: a future that [`Hub::publish`](super::Hub::publish) makes.
///
/// The event is written when this is made, once for all who will get it, and published when it is
/// first polled. Dropped before, it is not published.
#[must_use = "an event is published when this is awaited"]
pub struct Publish<'a> {
    shared: &'a Arc<Shared>,
    topic: &'a str,
    key: Option<&'a str>,
    draft: Option<Result<Draft, PublishError>>,
}

impl<'a> Publish<'a> {
    pub(super) fn new<D>(shared: &'a Arc<Shared>, topic: &'a str, event: &Event<D>) -> Self
    where
        D: EventData,
    {
        Self {
            shared,
            topic,
            key: None,
            draft: Some(draft(event)),
        }
    }

    /// Makes it safe to publish again where it is not known whether the first attempt got through:
    /// of all events with this key that are published to the topic within two minutes, only the
    /// first is. The others answer its id.
    ///
    /// A key is up to 256 bytes long, and counts as history while it is remembered.
    pub fn key(mut self, key: &'a str) -> Self {
        self.key = Some(key);
        self
    }

    /// Publishes it now, from a thread that may wait.
    ///
    /// # Errors
    ///
    /// As [`Hub::publish`](super::Hub::publish).
    pub fn blocking(mut self) -> Result<EventId, PublishError> {
        self.publish()
    }

    fn publish(&mut self) -> Result<EventId, PublishError> {
        let draft = self.draft.take().unwrap_or(Err(PublishError::EmptyEvent))?;
        let sequence = self.shared.publish(self.topic, draft, self.key)?;
        Ok(self.shared.ledger.epoch.id(sequence))
    }
}

impl Future for Publish<'_> {
    type Output = Result<EventId, PublishError>;

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(self.publish())
    }
}

impl fmt::Debug for Publish<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publish")
            .field("topic", &self.topic)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Writes the event, with room for its id in front.
fn draft<D>(event: &Event<D>) -> Result<Draft, PublishError>
where
    D: EventData,
{
    if event.event_id().is_some() {
        return Err(PublishError::OwnId);
    }
    let mut written = Vec::with_capacity(ID_LINE_MAX + event.size_hint());
    written.resize(ID_LINE_MAX, 0);
    event.encode_into(&mut written, None)?;
    if written.len() == ID_LINE_MAX {
        return Err(PublishError::EmptyEvent);
    }
    Ok(Draft(written))
}
