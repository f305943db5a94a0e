//! What goes on beside a source: heartbeats, a lifetime, a drain.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::Bytes;
use pin_project_lite::pin_project;
use tokio::{sync::futures::OwnedNotified, time::Instant};

use super::Boundary;
use crate::{
    alarm::Alarm, drain::DrainTicket, event::Frame, keep_alive::Heartbeat, limit::Permit,
    observe::CloseReason, random::shorten,
};

/// The time that somebody else's stream is given to finish the block it is in, when it has to
/// end.
const TO_FINISH_A_BLOCK: Duration = Duration::from_secs(1);

pin_project! {
    /// All that can happen to a stream while its source says nothing. Dropped, it gives back what
    /// others wait for.
    pub(crate) struct Watch {
        #[pin]
        alarm: Alarm,
        #[pin]
        drain_begins: Option<OwnedNotified>,
        state: State,
    }
}

/// The part that is not pinned.
struct State {
    heart: Option<Heart>,
    /// Boxed, since most streams have none before a drain begins.
    end: Option<Box<End>>,
    drain: Option<DrainTicket>,
    /// Whom the drain wakes when it begins, and the alarm when it rings.
    wakes: Option<Waker>,
    /// When the alarm rings.
    rings_at: Option<Instant>,
    _permit: Option<Permit>,
}

/// When the next heartbeat is due.
struct Heart {
    heartbeat: Arc<Heartbeat>,
    last_activity: Instant,
    silence: Duration,
}

struct End {
    /// When the stream ends between two blocks.
    at: Instant,
    /// When it ends wherever it is.
    latest: Instant,
    reason: CloseReason,
}

impl Watch {
    /// `None` where there is nothing to watch.
    pub(crate) fn new(
        heartbeat: Option<Arc<Heartbeat>>,
        max_lifetime: Option<Duration>,
        drain: Option<DrainTicket>,
        permit: Option<Permit>,
    ) -> Option<Pin<Box<Self>>> {
        if heartbeat.is_none() && max_lifetime.is_none() && drain.is_none() && permit.is_none() {
            return None;
        }
        let now = Instant::now();
        // At 80 to 100 % of the time, so that streams opened together do not end together.
        let end = max_lifetime.and_then(|lifetime| now.checked_add(shorten(lifetime, 0.2)));
        Some(Box::pin(Self {
            alarm: Alarm::new(),
            drain_begins: drain.as_ref().map(DrainTicket::begins),
            state: State {
                heart: heartbeat.map(|heartbeat| Heart::new(heartbeat, now)),
                end: end
                    .and_then(|at| End::new(at, CloseReason::Lifetime))
                    .map(Box::new),
                drain,
                wakes: None,
                rings_at: None,
                _permit: permit,
            },
        }))
    }

    /// Why the stream ends, if its end is due. A block that its sender has not finished may still
    /// be.
    pub(super) fn has_to_end(self: Pin<&mut Self>, boundary: Boundary) -> Option<CloseReason> {
        let state = self.project().state;
        state.notice_drain();
        let end = state.end.as_ref();
        end.filter(|end| end.at(boundary) <= Instant::now())
            .map(|end| end.reason)
    }

    /// What a stream that a drain ends says last.
    pub(super) fn farewell(&self) -> Option<(Frame, Option<Frame>)> {
        self.state.drain.as_ref()?.farewell()
    }

    /// The source has said something: the next heartbeat can wait.
    pub(super) fn saw_activity(self: Pin<&mut Self>) {
        if let Some(heart) = &mut self.project().state.heart {
            heart.last_activity = Instant::now();
        }
    }

    /// While the source says nothing: a heartbeat, or `None` when the stream may have to end.
    pub(super) fn poll_due(
        mut self: Pin<&mut Self>,
        boundary: Boundary,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Bytes>> {
        loop {
            let mut this = self.as_mut().project();
            let is_known = this.state.knows(cx.waker());
            // Asking takes a lock that all streams of a drain share, so ask once a waker.
            if let Some(begins) = this.drain_begins.as_mut().as_pin_mut() {
                if !is_known && begins.poll(cx).is_ready() {
                    this.drain_begins.set(None);
                    return Poll::Ready(None);
                }
            }
            let end = this.state.end.as_ref().map(|end| end.at(boundary));
            let beat = this.state.heart.as_ref().and_then(Heart::beats_at);
            let Some(due) = end.into_iter().chain(beat).min() else {
                return Poll::Pending;
            };
            if is_known && this.state.will_ring(due) {
                return Poll::Pending;
            }
            let rung = this.alarm.as_mut().poll_until(due, cx);
            this.state.rings_at = this.alarm.rings_at();
            ready!(rung);
            let now = Instant::now();
            if end.is_some_and(|end| end <= now) {
                return Poll::Ready(None);
            }
            let heart = this.state.heart.as_mut();
            let beat = heart.and_then(|heart| heart.beat(boundary, now));
            if beat.is_some() {
                return Poll::Ready(beat);
            }
        }
    }
}

impl State {
    /// Whether drain and alarm know this waker; if not, they are about to.
    fn knows(&mut self, waker: &Waker) -> bool {
        let is_known = matches!(&self.wakes, Some(known) if known.will_wake(waker));
        if !is_known {
            self.wakes = Some(waker.clone());
        }
        is_known
    }

    /// Whether the alarm has yet to ring, and will in time for this. Then it need not be looked at:
    /// of ten thousand streams, none has its timer at hand in the processor's caches.
    fn will_ring(&self, due: Instant) -> bool {
        self.rings_at
            .is_some_and(|rings_at| rings_at <= due && Instant::now() < rings_at)
    }

    fn notice_drain(&mut self) {
        let Some(ending) = self.drain.as_mut().and_then(DrainTicket::ending) else {
            return;
        };
        let end = ending.at.and_then(|at| End::new(at, CloseReason::Drained));
        let end = end.map(|end| match ending.deadline {
            Some(deadline) => end.not_beyond(deadline),
            None => end,
        });
        self.end = match (self.end.take(), end) {
            (Some(before), Some(end)) if before.at <= end.at => Some(before),
            (before, end) => end.map(Box::new).or(before),
        };
    }
}

impl Heart {
    fn new(heartbeat: Arc<Heartbeat>, now: Instant) -> Self {
        Self {
            silence: heartbeat.next_interval(),
            heartbeat,
            last_activity: now,
        }
    }

    /// `None` beyond what a clock can tell.
    fn beats_at(&self) -> Option<Instant> {
        self.last_activity.checked_add(self.silence)
    }

    /// The heartbeat, if it is due and has a place.
    fn beat(&mut self, boundary: Boundary, now: Instant) -> Option<Bytes> {
        if self.beats_at()? > now {
            return None;
        }
        self.last_activity = now;
        self.silence = self.heartbeat.next_interval();
        match boundary {
            Boundary::Block => Some(self.heartbeat.block.clone().into_bytes()),
            Boundary::Line => Some(self.heartbeat.line.clone().into_bytes()),
            Boundary::Inside | Boundary::Opaque => None,
        }
    }
}

impl End {
    /// `None` beyond what a clock can tell.
    fn new(at: Instant, reason: CloseReason) -> Option<Self> {
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

    /// When a stream ends that has come to this boundary.
    fn at(&self, boundary: Boundary) -> Instant {
        match boundary {
            Boundary::Block | Boundary::Opaque => self.at,
            Boundary::Line | Boundary::Inside => self.latest,
        }
    }
}
