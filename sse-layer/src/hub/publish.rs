use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, mpsc},
    task::{Context, Poll},
    time::Duration,
};

use super::{error::PublishError, message::Draft, node, position::ID_LINE_MAX, shared::Shared};
use crate::{
    backplane::{BackplaneError, BoxFuture, Failure},
    event::{Event, EventData, EventId},
};

/// An event on its way: a future that [`Hub::publish`](super::Hub::publish) makes.
///
/// The event is written when this is made, once for all who will get it, and published when it is
/// first polled. Dropped before, it is not published. Dropped later, while an engine is yet to
/// answer, it may be.
#[must_use = "an event is published when this is awaited"]
pub struct Publish<'a> {
    shared: &'a Arc<Shared>,
    topic: &'a str,
    key: Option<&'a str>,
    draft: Option<Result<Draft, PublishError>>,
    /// The engine's call, once it is made.
    call: Option<BoxFuture<'static, Result<EventId, PublishError>>>,
}

/// What a call to an engine takes at most, if that keeps to its rules, and some more.
const CALL_AT_MOST: Duration = Duration::from_secs(60);

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
            call: None,
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
        let draft = self.draft()?;
        let Some(node) = &self.shared.node else {
            return self.publish_here(draft);
        };
        let (told, answer) = mpsc::sync_channel(1);
        let call = self.call(draft);
        node.run(async move {
            // Nobody waits any more.
            let _ = told.send(call.await);
        });
        answer.recv_timeout(CALL_AT_MOST).unwrap_or_else(|error| {
            let error = BackplaneError::new(Failure::Unknown, error);
            Err(PublishError::Unknown(error))
        })
    }

    fn draft(&mut self) -> Result<Draft, PublishError> {
        let draft = self.draft.take().unwrap_or(Err(PublishError::EmptyEvent))?;
        self.shared.check(self.topic, &draft, self.key)?;
        Ok(draft)
    }

    fn publish_here(&self, draft: Draft) -> Result<EventId, PublishError> {
        let sequence = self.shared.publish(self.topic, draft, self.key)?;
        Ok(self.shared.ledger.epoch().id(sequence))
    }

    fn call(&self, draft: Draft) -> BoxFuture<'static, Result<EventId, PublishError>> {
        let (topic, key) = (self.topic.to_owned(), self.key.map(ToOwned::to_owned));
        let shared = Arc::clone(self.shared);
        Box::pin(async move { node::publish(&shared, &topic, &draft, key.as_deref()).await })
    }
}

impl Future for Publish<'_> {
    type Output = Result<EventId, PublishError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(call) = &mut self.call {
            return call.as_mut().poll(cx);
        }
        let draft = match self.draft() {
            Ok(draft) => draft,
            Err(error) => return Poll::Ready(Err(error)),
        };
        if self.shared.node.is_none() {
            return Poll::Ready(self.publish_here(draft));
        }
        let call = self.call(draft);
        self.call.insert(call).as_mut().poll(cx)
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
