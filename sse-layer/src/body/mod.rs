//! The bodies of responses: a stream, and what goes on beside it.
//!
//! A body owns what lasts as long as the stream: the permit, the place in the drain, the timer.
//! Dropped, it gives all of it back, which hyper does within a moment of the client's leaving.

mod boundary;
mod chunk;
mod events;
mod foreign;
mod guard;
mod guarded;
mod source;
mod watch;

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pub(crate) use self::{
    boundary::Boundary,
    chunk::Chunk,
    guard::{Guard, opening},
    watch::Watch,
};
use self::{events::Events, foreign::Foreign, guarded::Guarded};
use crate::{
    error::{BoxError, Error},
    event::EventName,
    stream::EventStream,
};

pin_project! {
    /// The body of a response made from an [`Sse`](crate::Sse).
    pub struct SseBody<S> {
        #[pin]
        kind: SseKind<S>,
    }
}

pin_project! {
    #[project = SseProjected]
    enum SseKind<S> {
        Stream { #[pin] stream: Guarded<Events<S>> },
        Full { bytes: Bytes },
        Head,
    }
}

impl<S> SseBody<S> {
    pub(crate) fn stream(stream: S, name: Option<EventName>, guard: Guard) -> Self {
        let stream = Guarded::new(Events::new(stream, name), guard);
        Self {
            kind: SseKind::Stream { stream },
        }
    }

    pub(crate) const fn full(bytes: Bytes) -> Self {
        Self {
            kind: SseKind::Full { bytes },
        }
    }

    /// The body that answers a HEAD request: nothing, of a length that is not told.
    pub(crate) const fn head() -> Self {
        Self {
            kind: SseKind::Head,
        }
    }
}

impl<S> Body for SseBody<S>
where
    S: EventStream,
{
    type Data = Bytes;
    type Error = Error;

    #[inline]
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.project().kind.project() {
            SseProjected::Stream { stream } => stream.poll_frame(cx),
            SseProjected::Full { bytes } => Poll::Ready(take(bytes)),
            SseProjected::Head => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            SseKind::Stream { stream } => stream.is_over(),
            SseKind::Full { bytes } => bytes.is_empty(),
            SseKind::Head => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            SseKind::Full { bytes } => exactly(bytes),
            SseKind::Stream { .. } | SseKind::Head => SizeHint::default(),
        }
    }
}

/// An empty body: what layers that stand right around ours, such as a timeout, answer with a status
/// of their own.
impl<S> Default for SseBody<S> {
    fn default() -> Self {
        Self::full(Bytes::new())
    }
}

impl<S> fmt::Debug for SseBody<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseBody").finish_non_exhaustive()
    }
}

pin_project! {
    /// The body of a response that somebody else made: guarded if it is an event stream, and
    /// passed through as it is if not.
    pub struct GuardedBody<B> {
        #[pin]
        kind: GuardedKind<B>,
    }
}

pin_project! {
    #[project = GuardedProjected]
    enum GuardedKind<B> {
        Plain { #[pin] body: B },
        Stream { #[pin] stream: Guarded<Foreign<B>> },
        Full { bytes: Bytes },
        Head,
    }
}

impl<B> GuardedBody<B> {
    pub(crate) const fn plain(body: B) -> Self {
        Self {
            kind: GuardedKind::Plain { body },
        }
    }

    pub(crate) fn stream(body: B, is_text: bool, guard: Guard) -> Self {
        let body = Foreign::new(body, is_text, guard.opening.is_some());
        let stream = Guarded::new(body, guard);
        Self {
            kind: GuardedKind::Stream { stream },
        }
    }

    pub(crate) const fn full(bytes: Bytes) -> Self {
        Self {
            kind: GuardedKind::Full { bytes },
        }
    }

    /// The body that answers a HEAD request: nothing, of a length that is not told.
    pub(crate) const fn head() -> Self {
        Self {
            kind: GuardedKind::Head,
        }
    }
}

impl<B> Body for GuardedBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.project().kind.project() {
            GuardedProjected::Plain { body } => body.poll_frame(cx).map(|frame| {
                Some(match frame? {
                    Ok(frame) => {
                        Ok(frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
                    }
                    Err(error) => Err(Error::body(error)),
                })
            }),
            GuardedProjected::Stream { stream } => stream.poll_frame(cx),
            GuardedProjected::Full { bytes } => Poll::Ready(take(bytes)),
            GuardedProjected::Head => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            GuardedKind::Plain { body } => body.is_end_stream(),
            GuardedKind::Stream { stream } => stream.is_over(),
            GuardedKind::Full { bytes } => bytes.is_empty(),
            GuardedKind::Head => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            GuardedKind::Plain { body } => body.size_hint(),
            GuardedKind::Full { bytes } => exactly(bytes),
            GuardedKind::Stream { .. } | GuardedKind::Head => SizeHint::default(),
        }
    }
}

/// An empty body: what layers that stand right around ours, such as a timeout, answer with a status
/// of their own.
impl<B> Default for GuardedBody<B> {
    fn default() -> Self {
        Self::full(Bytes::new())
    }
}

impl<B> fmt::Debug for GuardedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedBody").finish_non_exhaustive()
    }
}

fn take(bytes: &mut Bytes) -> Option<Result<Frame<Bytes>, Error>> {
    (!bytes.is_empty()).then(|| Ok(Frame::data(std::mem::take(bytes))))
}

fn exactly(bytes: &Bytes) -> SizeHint {
    SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
}
