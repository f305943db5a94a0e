use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use pin_project_lite::pin_project;
use tokio::{sync::futures::OwnedNotified, time::Instant};

use super::{
    Boundary, Chunk, Guard,
    source::{Piece, Source},
};
use crate::{
    alarm::Alarm,
    drain::DrainTicket,
    error::Error,
    keep_alive::Heartbeat,
    limit::Permit,
    observe::{CloseReason, Observed},
    on_error::OnError,
    random::shorten,
};

/// The time that somebody else's stream is given to finish the block it is in, when it has to
/// end.
const TO_FINISH_A_BLOCK: Duration = Duration::from_secs(1);

/// So many pieces are taken at once. A source that always has another one, and none that adds
/// anything, must not keep its thread from everything else.
const PIECES_AT_ONCE: usize = 1024;

/// The smallest buffer that a chunk is begun with.
const SMALL: usize = 128;

/// The largest buffer that a chunk is begun with.
const LARGE: usize = 16 * 1024;

pin_project! {
    /// A source with everything that goes on beside it: opening bytes, heartbeats, an end.
    pub(super) struct Guarded<Src> {
        #[pin]
        source: Src,
        #[pin]
        alarm: Alarm,
        #[pin]
        drain_begins: Option<OwnedNotified>,
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
    held: Option<Bytes>,
    heartbeat: Option<Arc<Heartbeat>>,
    last_activity: Instant,
    silence: Duration,
    end: Option<End>,
    on_error: OnError,
    permit: Option<Permit>,
    drain: Option<DrainTicket>,
    draining: bool,
    /// Whom the drain wakes when it begins.
    drain_wakes: Option<Waker>,
    /// Whether the last poll gave bytes, which may still wait to be written.
    is_unflushed: bool,
    /// The size of the next chunk, as the last ones suggest.
    expected: usize,
}

#[derive(Clone, Copy)]
struct End {
    /// When the stream ends between two blocks.
    at: Instant,
    /// When it ends wherever it is.
    latest: Instant,
    reason: CloseReason,
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
            heartbeat,
            opening,
            max_lifetime,
            on_error,
            permit,
            drain,
            observed,
        } = guard;
        let now = Instant::now();
        // At 80 to 100 % of the time, so that streams opened together do not end together.
        let end = max_lifetime.and_then(|lifetime| now.checked_add(shorten(lifetime, 0.2)));
        let held = opening.map(crate::event::Frame::into_bytes);
        observed.added(0, held.as_ref().map_or(0, Bytes::len));
        let silence = heartbeat
            .as_ref()
            .map(|heartbeat| heartbeat.next_interval());
        Self {
            source,
            alarm: Alarm::new(),
            drain_begins: drain.as_ref().map(DrainTicket::begins),
            observed,
            stream: Stream {
                phase: Phase::Open,
                reason: CloseReason::Ended,
                held,
                heartbeat,
                last_activity: now,
                silence: silence.unwrap_or_default(),
                end: end.and_then(|at| End::at(at, CloseReason::Lifetime)),
                on_error,
                permit,
                drain,
                draining: false,
                drain_wakes: None,
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
        let stream = this.stream;
        stream.is_unflushed = matches!(polled, Poll::Ready(Some(Ok(_))));
        let unread_since = stream.is_unflushed.then_some(stream.last_activity);
        this.observed.polled(unread_since);
        polled
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        loop {
            if let Poll::Ready(polled) = self.as_mut().poll_source(cx) {
                return Poll::Ready(polled);
            }
            if !matches!(self.stream.phase, Phase::Open) {
                return Poll::Pending;
            }
            let mut this = self.as_mut().project();
            if let Some(begins) = this.drain_begins.as_mut().as_pin_mut() {
                // Asking takes a lock that all streams of a drain share, so ask once a waker.
                if !this.stream.is_woken_by_drain(cx) && begins.poll(cx).is_ready() {
                    this.drain_begins.set(None);
                    continue;
                }
            }
            let boundary = this.source.boundary();
            let Some(due) = this.stream.next_deadline(boundary) else {
                return Poll::Pending;
            };
            if this.alarm.as_mut().poll_until(due, cx).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            if this.stream.has_to_end(boundary, now).is_some() {
                continue;
            }
            if let Some(frame) = this.stream.beat(boundary, now) {
                this.observed.beat(frame.len());
                return Poll::Ready(Some(Ok(Frame::data(frame))));
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
        let mut chunk = Chunk::new(stream.expected, stream.held.take());
        stream.notice_drain();
        // The clock is read once a chunk, not once an event.
        let now = Instant::now();
        if let Some(reason) = stream.has_to_end(this.source.boundary(), now) {
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
        stream.last_activity = now;
        let bytes = stream.finish(chunk);
        observed.gave(bytes.len());
        if !matches!(stream.phase, Phase::Open) {
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
        self.held = held;
        self.expected = (bytes.len() + bytes.len() / 8).clamp(SMALL, LARGE);
        bytes
    }

    /// What comes behind the last chunk.
    fn poll_last(&mut self, cx: &Context<'_>, observed: &Observed) -> Polled {
        if let Some(held) = self.held.take() {
            observed.gave(held.len());
            self.release(observed);
            return Poll::Ready(Some(Ok(Frame::data(held))));
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
        self.permit = None;
        self.drain = None;
        if self.held.is_none() {
            observed.close(self.reason);
        }
    }

    /// Whether the drain knows this waker; if not, it is about to.
    fn is_woken_by_drain(&mut self, cx: &Context<'_>) -> bool {
        let waker = cx.waker();
        let is_known = matches!(&self.drain_wakes, Some(known) if known.will_wake(waker));
        if !is_known {
            self.drain_wakes = Some(waker.clone());
        }
        is_known
    }

    fn notice_drain(&mut self) {
        if self.draining {
            return;
        }
        let Some(ending) = self.drain.as_ref().and_then(DrainTicket::ending) else {
            return;
        };
        self.draining = true;
        let end = ending.at.and_then(|at| End::at(at, CloseReason::Drained));
        let end = end.map(|end| match ending.deadline {
            Some(deadline) => end.not_beyond(deadline),
            None => end,
        });
        self.end = match (self.end, end) {
            (Some(before), Some(end)) if before.at <= end.at => Some(before),
            (before, end) => end.or(before),
        };
    }

    /// Why the stream ends, if its end is due. A block that its sender has not finished may still
    /// be.
    fn has_to_end(&self, boundary: Boundary, now: Instant) -> Option<CloseReason> {
        let is_due = self.end_at(boundary)? <= now;
        self.end.filter(|_| is_due).map(|end| end.reason)
    }

    fn end_at(&self, boundary: Boundary) -> Option<Instant> {
        self.end.map(|end| match boundary {
            Boundary::Block | Boundary::Opaque => end.at,
            Boundary::Line | Boundary::Inside => end.latest,
        })
    }

    fn say_farewell(&self, boundary: Boundary, chunk: &mut Chunk, observed: &Observed) {
        if boundary != Boundary::Block || !self.draining {
            return;
        }
        if let Some((retry, farewell)) = self.drain.as_ref().and_then(DrainTicket::farewell) {
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

    fn next_deadline(&self, boundary: Boundary) -> Option<Instant> {
        match (self.end_at(boundary), self.beat_at()) {
            (Some(end), Some(beat)) => Some(end.min(beat)),
            (end, beat) => end.or(beat),
        }
    }

    fn beat_at(&self) -> Option<Instant> {
        self.heartbeat.as_ref()?;
        self.last_activity.checked_add(self.silence)
    }

    /// The heartbeat, if it is due and has a place.
    fn beat(&mut self, boundary: Boundary, now: Instant) -> Option<Bytes> {
        if self.beat_at()? > now {
            return None;
        }
        let heartbeat = self.heartbeat.as_ref()?;
        self.last_activity = now;
        self.silence = heartbeat.next_interval();
        match boundary {
            Boundary::Block => Some(heartbeat.block.clone().into_bytes()),
            Boundary::Line => Some(heartbeat.line.clone().into_bytes()),
            Boundary::Inside | Boundary::Opaque => None,
        }
    }
}

impl End {
    /// `None` beyond what a clock can tell.
    fn at(at: Instant, reason: CloseReason) -> Option<Self> {
        let latest = at.checked_add(TO_FINISH_A_BLOCK)?;
        Some(Self { at, latest, reason })
    }

    fn not_beyond(self, deadline: Instant) -> Self {
        Self {
            at: self.at.min(deadline),
            latest: self.latest.min(deadline),
            reason: self.reason,
        }
    }
}
