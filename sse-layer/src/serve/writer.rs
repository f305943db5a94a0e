//! Writes a stream to a connection that was hyper's.

mod ahead;
mod backlog;
mod chunk;

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite};

use self::{
    ahead::Ahead,
    backlog::Backlog,
    chunk::{Chunk, Then},
};
use crate::observe::as_stalled;

/// So many chunks are written at once. A stream that always has another one, to a peer that takes
/// them all, must not keep its thread from everything else.
const CHUNKS_AT_ONCE: usize = 16;

pin_project! {
    /// A stream and the connection that it is written to.
    pub(super) struct Writer<I, B> {
        io: Option<I>,
        // Gone before the rest only where it has to be told why.
        #[pin]
        body: Option<B>,
        ahead: Ahead,
        // What could not be written at once.
        backlog: Option<Pin<Box<Backlog>>>,
        then: Then,
        is_unflushed: bool,
    }
}

/// A connection behind a stream that has ended.
pub(super) struct Again<I> {
    pub(super) io: I,
    /// What the client has sent meanwhile.
    pub(super) ahead: Bytes,
}

impl<I, B> Writer<I, B> {
    pub(super) fn new(io: I, ahead: Bytes, body: B) -> Self {
        Self {
            io: Some(io),
            body: Some(body),
            ahead: Ahead::new(ahead),
            backlog: None,
            then: Then::More,
            is_unflushed: false,
        }
    }
}

impl<I, B> Writer<I, B>
where
    I: AsyncRead + AsyncWrite + Unpin,
    B: Body,
{
    /// The connection when the stream has come to its end, for the next request; `None` when there
    /// is nothing more to be done with it. A peer has so long to take what is written at once.
    pub(super) fn poll_end(
        mut self: Pin<&mut Self>,
        timeout: Duration,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Again<I>>> {
        let written = ready!(self.as_mut().poll_written(timeout, cx));
        let this = self.project();
        let again = match written {
            Ok(true) => this.io.take().map(|io| Again {
                io,
                ahead: this.ahead.take(),
            }),
            Ok(false) => None,
            Err(error) => {
                tracing::debug!(%error, "a stream's connection broke off");
                None
            }
        };
        Poll::Ready(again)
    }

    /// Whether all was written to the stream's good end.
    fn poll_written(
        mut self: Pin<&mut Self>,
        timeout: Duration,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<bool>> {
        for _ in 0..CHUNKS_AT_ONCE {
            let mut this = self.as_mut().project();
            let Some(io) = this.io else {
                return Poll::Ready(Ok(false));
            };
            if !this.ahead.poll_is_there(io, cx)? {
                return Poll::Ready(Ok(false));
            }
            if let Some(backlog) = this.backlog {
                let written = ready!(backlog.as_mut().poll_written(io, cx));
                if is_time_out(&written) {
                    as_stalled(|| this.body.set(None));
                }
                written?;
                *this.backlog = None;
            } else if *this.is_unflushed {
                match Pin::new(&mut *io).poll_flush(cx)? {
                    Poll::Ready(()) => *this.is_unflushed = false,
                    Poll::Pending => {
                        *this.backlog = Some(Backlog::new(Vec::new(), timeout));
                        continue;
                    }
                }
            }
            match this.then {
                Then::More => {}
                Then::End => return Poll::Ready(Ok(true)),
                Then::BreakOff => return Poll::Ready(Ok(false)),
            }
            let Some(body) = this.body.as_pin_mut() else {
                return Poll::Ready(Ok(false));
            };
            let (chunk, then) = ready!(Chunk::poll_gather(body, cx));
            *this.then = then;
            let left = chunk.write(io, cx)?;
            if left.is_empty() {
                *this.is_unflushed = true;
            } else {
                *this.backlog = Some(Backlog::new(left, timeout));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

fn is_time_out(written: &io::Result<()>) -> bool {
    matches!(written, Err(error) if error.kind() == io::ErrorKind::TimedOut)
}
