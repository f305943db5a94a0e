//! What can be seen of streams from outside: a span each, and the numbers of all.

mod cut;
#[cfg(feature = "metrics")]
mod meters;
#[cfg(not(feature = "metrics"))]
#[path = "no_meters.rs"]
mod meters;
mod reason;

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use http::{Uri, request::Parts};
use tokio::time::Instant;
use tracing::{Span, dispatcher, field::Empty, span::Entered};

#[cfg(feature = "serve")]
pub(crate) use self::cut::as_stalled;
pub(crate) use self::{
    meters::Meters,
    reason::{CloseReason, RejectReason},
};
use crate::settings::Settings;

/// The target of all that is told of streams.
pub(crate) const TARGET: &str = "sse_layer";

/// The name of a stream's span.
const SPAN: &str = "sse_stream";

/// A reader that asks for nothing for so long, after it was given something, has stopped reading.
const STALLED_AFTER: Duration = Duration::from_secs(1);

/// What a request asked for, as the outermost layer saw it: routers take away what they have
/// matched.
#[derive(Clone)]
pub(crate) struct RequestUri(Uri);

impl RequestUri {
    /// Of a request that a span may tell of.
    pub(crate) fn of(parts: &mut Parts) -> Option<Self> {
        if !dispatcher::has_been_set() {
            return None;
        }
        if let Some(uri) = parts.extensions.get::<Self>() {
            return Some(uri.clone());
        }
        let uri = Self(parts.uri.clone());
        parts.extensions.insert(uri.clone());
        Some(uri)
    }

    /// Without the query, which may have a token in it.
    fn path(&self) -> &str {
        self.0.path()
    }
}

/// Tells of a request that gets no stream.
pub(crate) fn rejected(settings: &Settings, reason: RejectReason) {
    tracing::debug!(target: TARGET, reason = reason.as_str(), "an event stream was refused");
    settings.meters.rejected(reason);
}

/// One stream, as it is observed by all layers that guard it.
struct Observer {
    span: Span,
    opened: Instant,
    settings: Arc<Settings>,
    // Relaxed throughout: each stands for itself, and one task writes them.
    events: AtomicU64,
    bytes: AtomicU64,
    heartbeats: AtomicU64,
    /// When the reader was given something last, if it has not asked for more since: in
    /// milliseconds after the opening, and one more.
    unread_since: AtomicU64,
    is_closed: AtomicBool,
}

/// One guard's part in the observation of its stream. Of a stream that nobody listens to it is
/// empty.
#[derive(Default)]
pub(crate) struct Observed {
    observer: Option<Arc<Observer>>,
    /// Whether what comes out of the source has been counted further in.
    is_shared: bool,
    /// Left standing by a panic.
    is_polling: AtomicBool,
}

/// Left for the layers further out, so that they count nothing twice.
///
/// Weak, since nobody knows who keeps a response's extensions, and for how long.
#[derive(Clone, Default)]
pub(crate) struct ObservedWithin(Weak<Observer>);

impl Observed {
    /// Begins to observe a stream.
    pub(crate) fn open(settings: &Arc<Settings>, uri: Option<&RequestUri>) -> Self {
        let span = tracing::info_span!(
            target: TARGET,
            SPAN,
            path = uri.map(RequestUri::path),
            reason = Empty,
            duration_ms = Empty,
            events = Empty,
            bytes = Empty,
            heartbeats = Empty,
        );
        if span.is_disabled() && !Meters::IS_ON {
            return Self::default();
        }
        tracing::debug!(target: TARGET, parent: &span, "an event stream was opened");
        settings.meters.opened();
        let observer = Observer {
            span,
            opened: Instant::now(),
            settings: Arc::clone(settings),
            events: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            heartbeats: AtomicU64::new(0),
            unread_since: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
        };
        Self::by(Arc::new(observer), false)
    }

    /// Joins the observation of a layer further in, if there is one.
    pub(crate) fn join(within: &ObservedWithin) -> Option<Self> {
        let observer = within.0.upgrade();
        // Of one that is closed already this is a copy of the response.
        let observer = observer.filter(|observer| !observer.is_closed.load(Relaxed))?;
        Some(Self::by(observer, true))
    }

    fn by(observer: Arc<Observer>, is_shared: bool) -> Self {
        Self {
            observer: Some(observer),
            is_shared,
            is_polling: AtomicBool::new(false),
        }
    }

    pub(crate) fn share(&self) -> ObservedWithin {
        ObservedWithin(
            self.observer
                .as_ref()
                .map(Arc::downgrade)
                .unwrap_or_default(),
        )
    }

    /// The span, for as long as the source is polled; [`leave`](Self::leave) tells that it came
    /// back.
    pub(crate) fn enter(&self) -> Option<Entered<'_>> {
        let observer = self.observer.as_ref()?;
        self.is_polling.store(true, Relaxed);
        (!self.is_shared).then(|| observer.span.enter())
    }

    pub(crate) fn leave(&self) {
        self.is_polling.store(false, Relaxed);
    }

    /// Counts events that came out of the source.
    pub(crate) fn passed(&self, events: u64) {
        if let (Some(observer), false) = (&self.observer, self.is_shared) {
            observer.events(events);
        }
    }

    /// Counts a chunk that leaves.
    pub(crate) fn gave(&self, bytes: usize) {
        if let (Some(observer), false) = (&self.observer, self.is_shared) {
            observer.bytes(bytes);
        }
    }

    /// Counts what the guard puts in itself.
    pub(crate) fn added(&self, events: u64, bytes: usize) {
        if let Some(observer) = &self.observer {
            observer.events(events);
            // Further in they are counted with the chunk that they leave in.
            if self.is_shared {
                observer.bytes(bytes);
            }
        }
    }

    /// Counts a heartbeat of so many bytes.
    pub(crate) fn beat(&self, bytes: usize) {
        if let Some(observer) = &self.observer {
            observer.bytes(bytes);
            observer.heartbeats.fetch_add(1, Relaxed);
            observer.settings.meters.beat();
        }
    }

    /// Tells why the stream is over. The first to know it counts.
    pub(crate) fn close(&self, reason: CloseReason) {
        if let Some(observer) = &self.observer {
            observer.close(reason);
        }
    }

    /// Notes that the stream was polled, and whether it gave something.
    pub(crate) fn polled(&self, gave: bool) {
        if let Some(observer) = &self.observer {
            let since = if gave {
                1 + millis(observer.opened.elapsed())
            } else {
                0
            };
            observer.unread_since.store(since, Relaxed);
        }
    }
}

impl Drop for Observed {
    /// Tells that the body was dropped, if that was before the stream was over.
    fn drop(&mut self) {
        let Some(observer) = &self.observer else {
            return;
        };
        observer.close(if self.is_polling.load(Relaxed) {
            CloseReason::Error
        } else if cut::is_stalled() || observer.is_stalled() {
            CloseReason::Stalled
        } else {
            CloseReason::ClientGone
        });
    }
}

impl Observer {
    fn events(&self, more: u64) {
        if more > 0 {
            self.events.fetch_add(more, Relaxed);
            self.settings.meters.events(more);
        }
    }

    fn bytes(&self, more: usize) {
        if more > 0 {
            let more = u64::try_from(more).unwrap_or(u64::MAX);
            self.bytes.fetch_add(more, Relaxed);
            self.settings.meters.bytes(more);
        }
    }

    fn is_stalled(&self) -> bool {
        let unread_since = self.unread_since.load(Relaxed);
        let limit = millis(STALLED_AFTER);
        unread_since > 0 && millis(self.opened.elapsed()) >= unread_since - 1 + limit
    }

    fn close(&self, reason: CloseReason) {
        if self.is_closed.swap(true, Relaxed) {
            return;
        }
        let duration = self.opened.elapsed();
        self.settings.meters.closed(reason, duration);

        let reason = reason.as_str();
        let duration_ms = millis(duration);
        let events = self.events.load(Relaxed);
        let bytes = self.bytes.load(Relaxed);
        let heartbeats = self.heartbeats.load(Relaxed);
        // Told before the span has it: a log that prints both would say it twice.
        tracing::debug!(
            target: TARGET,
            parent: &self.span,
            reason,
            duration_ms,
            events,
            bytes,
            heartbeats,
            "an event stream was closed",
        );
        self.span
            .record("reason", reason)
            .record("duration_ms", duration_ms)
            .record("events", events)
            .record("bytes", bytes)
            .record("heartbeats", heartbeats);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
