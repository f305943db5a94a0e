use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use pin_project_lite::pin_project;

use super::{
    Boundary, Chunk, Guard, Watch,
    source::{Piece, Source},
};
use crate::{
    error::Error,
    observe::{CloseReason, Observed},
    on_error::OnError,
};

/// So many pieces are taken at once. A source that always has another one, and none that adds
/// anything, must not keep its thread from everything else.
const PIECES_AT_ONCE: usize = 1024;

/// The smallest buffer that a chunk is begun with.
const SMALL: u16 = 128;

/// The largest buffer that a chunk is begun with.
const LARGE: u16 = 16 * 1024;

pin_project! {
    /// A source with everything that goes on beside it: opening bytes, heartbeats, an end.
    pub(super) struct Guarded<Src> {
        #[pin]
        source: Src,
        observed: Observed,
        stream: Stream,
    }
}

/// The part that is not pinned.
struct Stream {
    phase: Phase,
    /// Why the stream is over, once it is.
    reason: CloseReason,
    /// What the next chunk begins with: the opening bytes, or what the last one had no room for.
    /// Boxed, since nearly always there is nothing.
    held: Option<Box<Bytes>>,
    /// Boxed, since a stream inside of a router has none: the layer around it watches.
    watch: Option<Pin<Box<Watch>>>,
    on_error: OnError,
    /// Whether the last poll gave bytes, which may still wait to be written.
    is_unflushed: bool,
    /// The size of the next chunk, as the last ones suggest.
    expected: u16,
}

enum Phase {
    Open,
    /// What is left to be said behind the last chunk.
    Last(Box<Result<HeaderMap, Error>>),
    Over,
}

impl<Src> Guarded<Src> {
    pub(super) fn new(source: Src, guard: Guard) -> Self {
        let Guard {
            opening,
            on_error,
            observed,
            watch,
        } = guard;
        observed.added(
            0,
            opening
                .as_ref()
                .map_or(0, |opening| opening.as_bytes().len()),
        );
        Self {
            source,
            observed,
            stream: Stream {
                phase: Phase::Open,
                reason: CloseReason::Ended,
                held: opening.map(|opening| Box::new(opening.into_bytes())),
                watch,
                on_error,
                is_unflushed: false,
                expected: SMALL,
            },
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.stream.phase, Phase::Over) && self.stream.held.is_none()
    }
}

type Polled = Poll<Option<Result<Frame<Bytes>, Error>>>;

impl<Src> Guarded<Src>
where
    Src: Source,
{
    pub(super) fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let polled = self.as_mut().poll_next(cx);
        let this = self.project();
        this.stream.is_unflushed = matches!(polled, Poll::Ready(Some(Ok(_))));
        this.observed.polled(this.stream.is_unflushed);
        polled
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        loop {
            if let Poll::Ready(polled) = self.as_mut().poll_source(cx) {
                return Poll::Ready(polled);
            }
            let this = self.as_mut().project();
            let Some(watch) = &mut this.stream.watch else {
                return Poll::Pending;
            };
            let due = watch.as_mut().poll_due(this.source.boundary(), cx);
            if let Some(beat) = ready!(due) {
                this.observed.beat(beat.len());
                return Poll::Ready(Some(Ok(Frame::data(beat))));
            }
        }
    }

    /// Gathers what is ready; pending only if nothing is.
    fn poll_source(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let mut this = self.project();
        let (stream, observed) = (this.stream, this.observed);
        if !matches!(stream.phase, Phase::Open) {
            return stream.poll_last(cx, observed);
        }
        let mut chunk = Chunk::new(stream.expected.into(), stream.held.take().map(|held| *held));
        if let Some(reason) = stream.has_to_end(this.source.boundary()) {
            stream.reason = reason;
            stream.say_farewell(this.source.boundary(), &mut chunk, observed);
            stream.phase = Phase::Over;
        }
        let (mut pieces, mut events, mut failure) = (0, 0, None);
        let within = observed.enter();
        while matches!(stream.phase, Phase::Open) && !chunk.is_full() {
            if pieces == PIECES_AT_ONCE {
                cx.waker().wake_by_ref();
                break;
            }
            pieces += 1;
            match this.source.as_mut().poll_piece(cx, &mut chunk) {
                Poll::Pending => break,
                Poll::Ready(Piece::Added(more)) => events += more,
                Poll::Ready(Piece::Ended) => stream.phase = Phase::Over,
                Poll::Ready(Piece::Trailers(trailers)) => {
                    stream.phase = Phase::Last(Box::new(Ok(trailers)));
                }
                Poll::Ready(Piece::Failed(error)) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        observed.passed(events);
        if let Some(error) = failure {
            stream.fail(error, this.source.boundary(), &mut chunk, observed);
        }
        drop(within);
        observed.leave();
        if chunk.is_empty() {
            return match stream.phase {
                Phase::Open => Poll::Pending,
                Phase::Last(_) | Phase::Over => stream.poll_last(cx, observed),
            };
        }
        let bytes = stream.finish(chunk);
        observed.gave(bytes.len());
        if matches!(stream.phase, Phase::Open) {
            // The clock is read once a chunk, not once an event.
            if let Some(watch) = &mut stream.watch {
                watch.as_mut().saw_activity();
            }
        } else {
            // Whoever waits for the end need not wait until these bytes have left.
            stream.release(observed);
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

impl Stream {
    /// A chunk on its way out.
    fn finish(&mut self, chunk: Chunk) -> Bytes {
        let (bytes, held) = chunk.into_parts();
        self.held = held.map(Box::new);
        let expected = u16::try_from(bytes.len() + bytes.len() / 8).unwrap_or(LARGE);
        self.expected = expected.clamp(SMALL, LARGE);
        bytes
    }

    /// What comes behind the last chunk.
    fn poll_last(&mut self, cx: &Context<'_>, observed: &Observed) -> Polled {
        if let Some(held) = self.held.take() {
            observed.gave(held.len());
            self.release(observed);
            return Poll::Ready(Some(Ok(Frame::data(*held))));
        }
        self.release(observed);
        if self.is_unflushed && matches!(&self.phase, Phase::Last(last) if last.is_err()) {
            // Servers drop a connection whose body fails with all that they have not flushed,
            // which they do when there is nothing to poll. So let there be nothing, once.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Last(last) => Some(last.map(Frame::trailers)),
            Phase::Open | Phase::Over => None,
        })
    }

    /// Gives back what others wait for, and tells of the end if nothing is left to leave.
    fn release(&mut self, observed: &Observed) {
        self.watch = None;
        if self.held.is_none() {
            observed.close(self.reason);
        }
    }

    fn has_to_end(&mut self, boundary: Boundary) -> Option<CloseReason> {
        self.watch.as_mut()?.as_mut().has_to_end(boundary)
    }

    fn say_farewell(&self, boundary: Boundary, chunk: &mut Chunk, observed: &Observed) {
        if boundary != Boundary::Block {
            return;
        }
        let farewell = self.watch.as_ref().and_then(|watch| watch.farewell());
        if let Some((retry, farewell)) = farewell {
            observed.added(0, retry.as_bytes().len());
            chunk.push_shared(retry.into_bytes());
            if let Some(farewell) = farewell {
                observed.added(1, farewell.as_bytes().len());
                chunk.push_shared(farewell.into_bytes());
            }
        }
    }

    fn fail(&mut self, error: Error, boundary: Boundary, chunk: &mut Chunk, observed: &Observed) {
        self.reason = CloseReason::Error;
        self.phase = match self.on_error.apply(error) {
            Err(error) => Phase::Last(Box::new(Err(error))),
            Ok(last) => {
                // In the middle of a block it would become part of it.
                if let Some(last) = last.filter(|_| boundary == Boundary::Block) {
                    observed.added(1, last.as_bytes().len());
                    chunk.push_shared(last.into_bytes());
                }
                Phase::Over
            }
        };
    }
}
