//! Ends open streams, so that a server can shut down.
//!
//! A server's graceful shutdown waits for its connections, and an event stream never ends by
//! itself: [hyper#2787](https://github.com/hyperium/hyper/issues/2787),
//! [axum#2673](https://github.com/tokio-rs/axum/discussions/2673).

use std::{
    error::Error as StdError,
    fmt,
    future::Future,
    ops::RangeInclusive,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use http::StatusCode;
use tokio::{
    sync::{Notify, futures::OwnedNotified},
    time::{Instant, timeout_at},
};

use crate::{
    event::{Event, EventData, Frame, retry_line},
    observe::RejectReason,
    random::spread,
    refusal::{Answer, Refusal},
};

/// What those that end with the deadline have left to say good-bye.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// A handle that ends all streams of the layers it was given to.
///
/// From [`begin`](Self::begin) on, new streams are answered with an empty one that asks for a
/// later try, or 503 where the client is no `EventSource`, and the open ones end, spread over the
/// window, each with a farewell (if there is one) and a `retry` of its own, so that not all
/// clients come back at once. A stream marked [`finite`](crate::Sse::finite) may go on to its
/// end, at most to the deadline.
///
/// Clones are handles on one drain, with one set of settings, which count as they are when it
/// begins.
///
/// ```
/// use std::time::Duration;
/// use sse_layer::{Drain, Event, SseLayer};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let drain = Drain::new()
///     .window(Duration::from_secs(5))
///     .deadline(Duration::from_secs(20))
///     .farewell(Event::text("restarting").event("bye"));
/// let layer = SseLayer::new().drain(drain.clone());
///
/// // In axum: `serve(listener, app).with_graceful_shutdown(drain.begin_after(signal))`.
/// drain.begin();
/// assert!(drain.finished().await.is_ok());
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Drain {
    shared: Arc<Shared>,
}

#[derive(Clone, Debug)]
struct Settings {
    window: Duration,
    deadline: Duration,
    retry: RangeInclusive<Duration>,
    farewell: Option<Frame>,
}

struct Shared {
    settings: Mutex<Settings>,
    begun: OnceLock<Begun>,
    open: AtomicUsize,
    wake: Arc<Notify>,
    gone: Notify,
}

struct Begun {
    at: Instant,
    settings: Settings,
}

impl Drain {
    /// Ends streams over 5 seconds, finite ones by 20, and has clients wait 1 to 5 seconds.
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                settings: Mutex::new(Settings {
                    window: Duration::from_secs(5),
                    deadline: Duration::from_secs(20),
                    retry: Duration::from_secs(1)..=Duration::from_secs(5),
                    farewell: None,
                }),
                begun: OnceLock::new(),
                open: AtomicUsize::new(0),
                wake: Arc::default(),
                gone: Notify::new(),
            }),
        }
    }

    /// The time over which streams end, each at a moment of its own; zero ends all at once.
    pub fn window(self, window: Duration) -> Self {
        self.set(|settings| settings.window = window)
    }

    /// The time that a [`finite`](crate::Sse::finite) stream has to come to its end, and
    /// [`finished`](Self::finished) waits. Counts from the beginning of the drain, as the window
    /// does, which it cuts short.
    pub fn deadline(self, deadline: Duration) -> Self {
        self.set(|settings| settings.deadline = deadline)
    }

    /// How long clients wait before they reconnect, each a time from this range at random, in
    /// whole milliseconds.
    pub fn retry(self, retry: RangeInclusive<Duration>) -> Self {
        self.set(|settings| settings.retry = retry)
    }

    /// The last event of a stream that is ended.
    ///
    /// An event that can't be written is logged and left out.
    pub fn farewell<D>(self, event: Event<D>) -> Self
    where
        D: EventData,
    {
        match event.to_frame() {
            Ok(frame) => self.set(|settings| settings.farewell = Some(frame)),
            Err(error) => {
                tracing::error!(%error, "the drain's farewell can't be sent");
                self
            }
        }
    }

    fn set(self, set: impl FnOnce(&mut Settings)) -> Self {
        set(&mut self.settings());
        self
    }

    /// Each setting is written as a whole, so that a panic elsewhere leaves them as they were.
    fn settings(&self) -> MutexGuard<'_, Settings> {
        let settings = self.shared.settings.lock();
        settings.unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to end all streams. Has no effect when begun before.
    pub fn begin(&self) {
        self.shared.begun.get_or_init(|| Begun {
            at: Instant::now(),
            settings: self.settings().clone(),
        });
        self.shared.wake.notify_waiters();
    }

    /// Begins when the signal comes, and is done then: made for axum's `with_graceful_shutdown`.
    pub fn begin_after<F>(&self, signal: F) -> impl Future<Output = ()> + use<F>
    where
        F: Future,
    {
        let drain = self.clone();
        async move {
            signal.await;
            drain.begin();
        }
    }

    /// Whether the drain has begun.
    pub fn has_begun(&self) -> bool {
        self.shared.begun.get().is_some()
    }

    /// How many streams are open, with those that were asked for and are not yet answered.
    pub fn open(&self) -> usize {
        self.shared.open.load(SeqCst)
    }

    /// Waits for the drain to begin. Answers when a server is to cut off what is left; `None` beyond
    /// what a clock can tell.
    #[cfg(feature = "serve")]
    pub(crate) async fn begun(&self) -> Option<Instant> {
        self.shared.begun().await.cut_off_at()
    }

    /// Waits for the drain to begin, and then until all streams are gone: handed over to the
    /// server with their last bytes, which it may still be writing. To see those leave, wait for
    /// the server's own graceful shutdown too.
    ///
    /// # Errors
    ///
    /// [`DrainTimeout`] if streams are left half a second after the deadline: of handlers that
    /// block, or of clients that don't read.
    pub async fn finished(&self) -> Result<(), DrainTimeout> {
        let begun = self.shared.begun().await;
        let all_gone = async {
            loop {
                let gone = self.shared.gone.notified();
                if self.open() == 0 {
                    return;
                }
                gone.await;
            }
        };
        let Some(cut_off_at) = begun.cut_off_at() else {
            all_gone.await;
            return Ok(());
        };
        timeout_at(cut_off_at, all_gone)
            .await
            .map_err(|_| DrainTimeout { open: self.open() })
    }

    /// What a request is answered while the drain goes on.
    pub(crate) fn refusal(&self, may_retry_later: bool) -> Option<Refusal> {
        let settings = &self.shared.begun.get()?.settings;
        let retry = spread(&settings.retry);
        let answer = if may_retry_later {
            Answer::RetryLater(retry)
        } else {
            Answer::Status {
                status: StatusCode::SERVICE_UNAVAILABLE,
                error: "the server is shutting down",
                max_connections: None,
                retry_after: retry,
            }
        };
        Some(Refusal {
            reason: RejectReason::Draining,
            answer,
        })
    }

    /// Counts one more open stream, or one to be.
    pub(crate) fn register(&self) -> DrainTicket {
        self.shared.open.fetch_add(1, SeqCst);
        DrainTicket {
            shared: Arc::clone(&self.shared),
            is_finite: false,
            is_ending: false,
        }
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain")
            .field("begun", &self.has_begun())
            .field("open", &self.open())
            .field("settings", &*self.settings())
            .finish()
    }
}

impl Shared {
    async fn begun(&self) -> &Begun {
        loop {
            let wake = self.wake.notified();
            if let Some(begun) = self.begun.get() {
                return begun;
            }
            wake.await;
        }
    }
}

impl Begun {
    /// `None` beyond what a clock can tell.
    fn deadline(&self) -> Option<Instant> {
        self.at.checked_add(self.settings.deadline)
    }

    /// When nobody waits any longer.
    fn cut_off_at(&self) -> Option<Instant> {
        self.deadline()?.checked_add(LAST_MOMENT)
    }
}

/// Streams were left when the drain's deadline had passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainTimeout {
    open: usize,
}

impl DrainTimeout {
    /// How many streams were left.
    pub fn open(&self) -> usize {
        self.open
    }
}

impl fmt::Display for DrainTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { open } = self;
        write!(
            f,
            "{open} event streams were left open at the drain's deadline"
        )
    }
}

impl StdError for DrainTimeout {}

/// One open stream that a drain waits for.
pub(crate) struct DrainTicket {
    shared: Arc<Shared>,
    is_finite: bool,
    /// Whether its stream knows when it has to end.
    is_ending: bool,
}

impl DrainTicket {
    /// Lets the stream go on to its own end, at most to the drain's deadline.
    pub(crate) fn set_finite(&mut self, is_finite: bool) {
        self.is_finite = is_finite;
    }

    /// Done when the drain begins, for one that has not begun.
    pub(crate) fn begins(&self) -> OwnedNotified {
        Arc::clone(&self.shared.wake).notified_owned()
    }

    /// How this stream ends, once the drain has begun: at a moment of its own, told once.
    pub(crate) fn ending(&mut self) -> Option<Ending> {
        if self.is_ending {
            return None;
        }
        let begun = self.shared.begun.get()?;
        self.is_ending = true;
        let Settings {
            window, deadline, ..
        } = begun.settings;
        let after = if self.is_finite {
            deadline
        } else {
            spread(&(Duration::ZERO..=window)).min(deadline)
        };
        Some(Ending {
            at: begun.at.checked_add(after),
            deadline: begun.deadline(),
        })
    }

    /// What the stream says at its end, if the drain has had a say in that.
    pub(crate) fn farewell(&self) -> Option<(Frame, Option<Frame>)> {
        if !self.is_ending {
            return None;
        }
        let settings = &self.shared.begun.get()?.settings;
        let retry = retry_line(spread(&settings.retry));
        Some((retry, settings.farewell.clone()))
    }
}

/// Either is `None` beyond what a clock can tell.
pub(crate) struct Ending {
    /// When the stream ends.
    pub(crate) at: Option<Instant>,
    /// When it is cut off, whatever it is in the middle of.
    pub(crate) deadline: Option<Instant>,
}

impl Drop for DrainTicket {
    fn drop(&mut self) {
        if self.shared.open.fetch_sub(1, SeqCst) == 1 {
            self.shared.gone.notify_waiters();
        }
    }
}
