//! How a response's body gets from hyper to the writer.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use hyper::rt::{Read, ReadBufCursor, Write};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};

use super::stalled::does_not_read;

/// What the parts of a connection that hyper owns tell each other.
///
/// One task polls all of them, so that nobody ever waits for the lock.
pub(super) struct Handoff<B>(Mutex<Stage<B>>);

/// A stream that hyper is to let go of.
pub(super) struct Stream<B> {
    pub(super) body: B,
    /// Whether the response's head said that the connection closes behind it.
    pub(super) closes: bool,
}

enum Stage<B> {
    /// Nothing to hand over.
    Empty,
    /// hyper has the response's head, and a marker in the body's place.
    Held(Stream<B>),
    /// It has asked the marker for data. It does so only when the head is in its buffer.
    Polled(Stream<B>),
    /// Since then it has flushed the IO. It does so only when its buffer is empty.
    Flushed(Stream<B>),
    /// hyper is done with the connection: if anybody still has it, it was upgraded.
    Over,
}

impl<B> Handoff<B> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Stage::Empty)))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Stage<B>) -> T) -> T {
        // A stage is written as a whole, so that a panic elsewhere leaves it as it was.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps the body of a response, and answers what hyper gets in its place.
    pub(super) fn hold(self: &Arc<Self>, stream: Stream<B>) -> Marker<B> {
        self.change(|stage| *stage = Stage::Held(stream));
        Marker(Arc::clone(self))
    }

    fn polled(&self) {
        self.change(|stage| {
            *stage = match std::mem::replace(stage, Stage::Empty) {
                Stage::Held(stream) => Stage::Polled(stream),
                other => other,
            };
        });
    }

    fn flushed(&self) {
        self.change(|stage| {
            *stage = match std::mem::replace(stage, Stage::Empty) {
                Stage::Polled(stream) => Stage::Flushed(stream),
                other => other,
            };
        });
    }

    /// hyper is done with the connection.
    pub(super) fn end(&self) {
        self.change(|stage| *stage = Stage::Over);
    }

    fn was_upgraded(&self) -> bool {
        self.change(|stage| matches!(stage, Stage::Over))
    }

    /// The stream, once its head is on the wire.
    pub(super) fn take(&self) -> Option<Stream<B>> {
        self.change(|stage| match std::mem::replace(stage, Stage::Empty) {
            Stage::Flushed(stream) => Some(stream),
            other => {
                *stage = other;
                None
            }
        })
    }
}

/// What hyper has in the place of a body that it is not to write: pending for ever.
pub(super) struct Marker<B>(Arc<Handoff<B>>);

pin_project! {
    /// The body of a response as hyper gets it.
    #[project = Projected]
    pub(super) enum Outgoing<B> {
        Own { #[pin] body: B },
        Marked { marker: Marker<B> },
    }
}

impl<B> Body for Outgoing<B>
where
    B: Body,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.project() {
            Projected::Own { body } => body.poll_frame(cx),
            Projected::Marked { marker } => {
                marker.0.polled();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own { body } => body.is_end_stream(),
            Self::Marked { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own { body } => body.size_hint(),
            Self::Marked { .. } => SizeHint::default(),
        }
    }
}

/// An IO that notes when hyper has flushed it, and fails when its peer has taken nothing for too
/// long, of which hyper keeps no time.
pub(super) struct Watched<I, B> {
    io: I,
    handoff: Arc<Handoff<B>>,
    limit: Duration,
    /// Only while the peer is waited for.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<I, B> Watched<I, B> {
    pub(super) const fn new(io: I, handoff: Arc<Handoff<B>>, limit: Duration) -> Self {
        Self {
            io,
            handoff,
            limit,
            deadline: None,
        }
    }

    pub(super) fn into_inner(self) -> I {
        self.io
    }

    fn in_time<T>(
        &mut self,
        done: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.deadline = None;
            return done;
        }
        // Whoever has an upgraded connection has rules of its own.
        if self.deadline.is_none() && self.handoff.was_upgraded() {
            return done;
        }
        let limit = self.limit;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(limit)));
        deadline.as_mut().poll(cx).map(|()| Err(does_not_read()))
    }
}

impl<I, B> Read for Watched<I, B>
where
    I: Read + Unpin,
{
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, into)
    }
}

impl<I, B> Write for Watched<I, B>
where
    I: Write + Unpin,
{
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.in_time(written, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.handoff.flushed();
        }
        self.in_time(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.io).poll_shutdown(cx);
        self.in_time(shut, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.in_time(written, cx)
    }
}
