//! What the server is documented to do.

use std::time::Duration;

use http::StatusCode;

use super::Target;

/// What the server under test is documented to do, and how long to look.
///
/// What is not said here is not demanded of the server, unless a specification does.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Expectations {
    pub(crate) resumable: bool,
    pub(crate) ends: bool,
    pub(crate) both_protocols: bool,
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) retry: Option<Duration>,
    pub(crate) limit: Option<Limit>,
    pub(crate) cors: Option<Cors>,
    pub(crate) stats: Option<Stats>,
    pub(crate) produced_by: Option<Target>,
    pub(crate) stopped: Option<Target>,
    pub(crate) opening: Option<Duration>,
    pub(crate) prompt: Duration,
    pub(crate) observe: Duration,
    pub(crate) answer: Duration,
    pub(crate) deadline: Option<Duration>,
    pub(crate) allowed: Vec<String>,
}

/// What comes later than a server was asked for may be the fault of this machine.
pub(crate) const SLACK: Duration = Duration::from_millis(250);

/// How soon any server should open a stream.
const OPENING: Duration = Duration::from_secs(1);

/// No run is as long, and any sum of such times is still a time.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// What a run may take beside the time for which a stream is looked at.
const REST: Duration = Duration::from_secs(120);

/// How many streams may be open, and how one more is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) streams: usize,
    pub(crate) status: StatusCode,
}

/// Which page may read the stream.
#[derive(Debug, Clone)]
pub(crate) struct Cors {
    pub(crate) origin: String,
    pub(crate) credentials: bool,
}

/// Where the server tells how many streams are open.
#[derive(Debug, Clone)]
pub(crate) struct Stats {
    pub(crate) from: Target,
    pub(crate) pointer: String,
}

impl Expectations {
    /// Nothing but what is demanded of every server.
    pub fn new() -> Self {
        Self {
            resumable: false,
            ends: false,
            both_protocols: false,
            heartbeat: None,
            retry: None,
            limit: None,
            cors: None,
            stats: None,
            produced_by: None,
            stopped: None,
            opening: None,
            prompt: Duration::from_secs(1),
            observe: Duration::from_secs(5),
            answer: Duration::from_secs(10),
            deadline: None,
            allowed: Vec::new(),
        }
    }

    /// Events carry ids, and a client that comes back with one misses nothing and gets nothing
    /// twice.
    #[must_use]
    pub fn resumable(mut self) -> Self {
        self.resumable = true;
        self
    }

    /// The stream ends by itself, as a stream of tokens does.
    #[must_use]
    pub fn ends(mut self) -> Self {
        self.ends = true;
        self
    }

    /// The server speaks HTTP/1.1 and HTTP/2 (without TLS where the URL has none), and answers alike.
    #[must_use]
    pub fn both_protocols(mut self) -> Self {
        self.both_protocols = true;
        self
    }

    /// The stream is never silent for longer than this, and what breaks the silence is no event.
    #[must_use]
    pub fn heartbeat(mut self, within: Duration) -> Self {
        self.heartbeat = Some(bounded(within));
        self
    }

    /// The stream tells this reconnection time.
    #[must_use]
    pub fn retry(mut self, time: Duration) -> Self {
        self.retry = Some(time);
        self
    }

    /// So many streams may be open, and one more is answered with this status: usually 429 or 503,
    /// or 200 for a stream that holds nothing but a `retry` and ends.
    ///
    /// The server should have no other clients meanwhile.
    #[must_use]
    pub fn limit(mut self, streams: usize, status: StatusCode) -> Self {
        self.limit = Some(Limit { streams, status });
        self
    }

    /// Pages of this origin (`https://app.example`) may read the stream.
    #[must_use]
    pub fn cors(mut self, origin: impl Into<String>) -> Self {
        self.cors = Some(Cors {
            origin: origin.into(),
            credentials: false,
        });
        self
    }

    /// Pages of this origin may read the stream with the user's cookies.
    #[must_use]
    pub fn cors_with_credentials(mut self, origin: impl Into<String>) -> Self {
        self.cors = Some(Cors {
            origin: origin.into(),
            credentials: true,
        });
        self
    }

    /// The answer to this request is JSON, and at this JSON pointer (such as `/connections/active`)
    /// stands how many streams are open.
    ///
    /// The server should have no other clients meanwhile.
    #[must_use]
    pub fn stats(mut self, from: Target, pointer: impl Into<String>) -> Self {
        self.stats = Some(Stats {
            from,
            pointer: pointer.into(),
        });
        self
    }

    /// Each time this request is sent, the stream gets one event. Without it only events that come
    /// by themselves are seen.
    #[must_use]
    pub fn produced_by(mut self, request: Target) -> Self {
        self.produced_by = Some(request);
        self
    }

    /// The answer to this request tells a client to stop for good: 204.
    #[must_use]
    pub fn stopped(mut self, request: Target) -> Self {
        self.stopped = Some(request);
        self
    }

    /// The head and the first bytes of a stream come within this time, event or not. Unless it is
    /// said, the head is expected within a second, and bytes are recommended.
    #[must_use]
    pub fn opening(mut self, within: Duration) -> Self {
        self.opening = Some(bounded(within));
        self
    }

    /// How soon an event must arrive once it is produced, and how soon the server must notice that
    /// a client has gone; a second unless it is said.
    #[must_use]
    pub fn prompt(mut self, within: Duration) -> Self {
        self.prompt = bounded(within);
        self
    }

    /// How long one stream is looked at for what comes by itself: events, heartbeats, the end; five
    /// seconds unless it is said, and long enough for the expected heartbeat in any case.
    #[must_use]
    pub fn observe(mut self, time: Duration) -> Self {
        self.observe = bounded(time);
        self
    }

    /// How long to wait for the head of any answer; ten seconds unless it is said.
    #[must_use]
    pub fn answer(mut self, within: Duration) -> Self {
        self.answer = bounded(within);
        self
    }

    /// How long all of it may take. A check that is not done by then has failed. Unless it is said,
    /// two minutes and as long as it takes to observe the stream and its heartbeats.
    #[must_use]
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = Some(bounded(time));
        self
    }

    /// A failure of the check with this id is known, and no more than a warning.
    ///
    /// ```
    /// # use sse_testkit::contract::Expectations;
    /// // An older proxy answers no HEAD.
    /// let expectations = Expectations::new().resumable().allow("head");
    /// ```
    #[must_use]
    pub fn allow(mut self, check: impl Into<String>) -> Self {
        self.allowed.push(check.into());
        self
    }
}

impl Expectations {
    /// How late the first bytes may come.
    pub(crate) fn opening_within(&self) -> Duration {
        self.opening.unwrap_or(OPENING) + SLACK
    }

    /// How long one stream is looked at: long enough for two heartbeats.
    pub(crate) fn observed_for(&self) -> Duration {
        let heartbeats = self.heartbeat.map(|it| 2 * it + SLACK);
        self.observe.max(heartbeats.unwrap_or_default())
    }

    /// How long a server may take to notice that a client has gone, by heartbeats if not at once:
    /// the first thing that is written to a closed connection is answered by a reset, and only the
    /// second fails.
    pub(crate) fn noticed_within(&self) -> Duration {
        self.prompt.max(2 * self.heartbeat.unwrap_or_default()) + SLACK
    }

    /// How long all of it may take.
    pub(crate) fn all_within(&self) -> Duration {
        self.deadline.unwrap_or_else(|| {
            // Streams that are gone have to be noticed before, in and after the checks about them.
            REST + self.observed_for() + 4 * self.noticed_within()
        })
    }
}

fn bounded(time: Duration) -> Duration {
    time.min(LONGEST)
}

impl Default for Expectations {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_heartbeat_is_awaited_and_does_not_run_into_the_deadline() {
        let minute = Duration::from_secs(60);
        let expectations = Expectations::new().heartbeat(minute);
        assert!(expectations.observed_for() > 2 * minute);
        let noticing = 3 * minute;
        assert!(expectations.all_within() > expectations.observed_for() + noticing);
        let told = expectations.deadline(minute);
        assert_eq!(told.all_within(), minute);
    }

    #[test]
    fn for_ever_is_a_time_like_any_other() {
        let ever = Duration::MAX;
        let expectations = Expectations::new()
            .heartbeat(ever)
            .opening(ever)
            .prompt(ever);
        let expectations = expectations.observe(ever).answer(ever);
        assert!(expectations.opening_within() < ever);
        assert!(expectations.all_within() < ever);
        assert!(expectations.deadline(ever).all_within() < ever);
    }
}
