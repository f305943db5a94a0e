//! The thing under test: a response, read as an event stream.

mod connection;
mod read;
mod reconnect;

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use self::connection::Connection;
pub(crate) use self::read::Stuck;
pub use self::reconnect::Reconnect;
use crate::client::{Template, Transport};
use crate::clock::Clock;
use crate::expect::spot::Spot;
use crate::frame::Frame;
use crate::record::{Chunk, Head, Record, What};
use crate::transcript::Transcript;

/// An event stream under test, with the expectations of it.
///
/// It is read only while an expectation waits (and once, without waiting, when the response head
/// arrives), frame by frame in order: an expectation begins where the one before it ended. Each is
/// bounded in time, and one that is not met panics with the line of the test that asked, what came
/// instead, and the transcript so far.
///
/// Dropping it drops the response body at once, as a client that goes away does.
pub struct EventStream {
    transport: Box<dyn Transport>,
    template: Option<Template>,
    clock: Clock,
    timeout: Duration,
    started: Instant,
    records: Vec<Record>,
    /// How many records expectations have passed.
    read: usize,
    connection: Connection,
    /// As of the last frame that was read, not of those received ahead.
    last_event_id: String,
    retry: Duration,
}

/// What browsers wait before they reconnect if the stream does not say.
const DEFAULT_RETRY: Duration = Duration::from_secs(3);

impl EventStream {
    pub(crate) async fn open(
        transport: Box<dyn Transport>,
        template: Result<Template, String>,
        real_time: bool,
        timeout: Option<Duration>,
    ) -> Self {
        let (clock, template) = match Clock::choose(real_time) {
            Ok(clock) => (clock, template),
            Err(reason) => (Clock::Real, Err(reason)),
        };
        let (template, problem) = match template {
            Ok(template) => (Some(template), None),
            Err(reason) => (None, Some(reason)),
        };
        clock.enter().await;

        let mut this = Self {
            transport,
            clock,
            timeout: timeout.unwrap_or(clock.default_timeout()),
            started: Instant::now(),
            records: Vec::new(),
            read: 0,
            connection: Connection::none(),
            last_event_id: template
                .as_ref()
                .map(|template| template.last_event_id.clone())
                .unwrap_or_default(),
            retry: DEFAULT_RETRY,
            template,
        };
        match problem {
            Some(reason) => this.record(What::Error(reason)),
            None => this.dial().await,
        }
        this
    }

    /// The status of the response.
    ///
    /// # Panics
    ///
    /// If there is none, because the request failed.
    #[track_caller]
    pub fn status(&self) -> StatusCode {
        self.head(Spot::here(), "a response").status
    }

    /// The headers of the response.
    ///
    /// # Panics
    ///
    /// If there are none, because the request failed.
    #[track_caller]
    pub fn headers(&self) -> &HeaderMap {
        &self.head(Spot::here(), "a response").headers
    }

    /// All bytes of the current response that have arrived so far.
    pub fn raw(&self) -> &[u8] {
        &self.connection.raw
    }

    /// The bytes of the current response as its body yielded them.
    pub fn chunks(&self) -> &[Chunk] {
        &self.connection.chunks
    }

    /// The frames read so far, over all connections, each with the time it came.
    pub fn frames(&self) -> impl Iterator<Item = (Duration, &Frame)> {
        self.records[..self.read]
            .iter()
            .filter_map(|record| match &record.what {
                What::Frame(frame) => Some((record.at, frame)),
                _ => None,
            })
    }

    /// The id with which a client that has read this far would resume; empty if there is none.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// How long a client that has read this far would wait before it reconnects: 3 s unless the
    /// stream said otherwise.
    pub fn retry(&self) -> Duration {
        self.retry
    }

    /// The time since the first request was sent.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Drops the response body at once, as a client that goes away does.
    ///
    /// What has arrived but not been read is forgotten.
    pub fn close(&mut self) {
        if self.connection.body.take().is_some() {
            let read = self.told().len();
            self.records.truncate(read);
            self.record(What::Closed);
            self.read = self.records.len();
        }
    }

    /// What the test has read so far, for a snapshot.
    pub fn transcript(&self) -> Transcript {
        Transcript::new(self.told().to_vec())
    }

    /// The records up to where the test has read, and the heads that follow: they need no reading.
    fn told(&self) -> &[Record] {
        let ahead = self.records[self.read..]
            .iter()
            .take_while(|record| matches!(record.what, What::Head(_) | What::Reconnect { .. }))
            .count();
        &self.records[..self.read + ahead]
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// How many records there are, read or not.
    pub(crate) fn received(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn records_from(&self, index: usize) -> &[Record] {
        &self.records[index..]
    }

    pub(crate) fn record_at(&self, index: usize) -> &Record {
        &self.records[index]
    }

    /// The moment that is this long after the start.
    pub(crate) fn instant(&self, at: Duration) -> Instant {
        self.started + at
    }

    /// Whether nothing more can come.
    pub(crate) fn is_over(&self) -> bool {
        self.connection.body.is_none()
    }

    /// Whether all that came so far may be an opening.
    pub(crate) fn may_be_opening(&self) -> bool {
        self.connection.is_opening()
    }

    #[track_caller]
    pub(crate) fn head(&self, spot: Spot, expected: &str) -> &Head {
        match &self.connection.head {
            Some(head) => head,
            None => self.fail(spot, expected, "there is no response"),
        }
    }

    /// Ends the test, with all that helps to understand why.
    pub(crate) fn fail(&self, spot: Spot, expected: &str, problem: &str) -> ! {
        let transcript = Transcript::new(self.records.clone()).last(40);
        let transcript = transcript.to_string();
        let (problem, transcript) = (indent(problem, 10), indent(&transcript, 4));
        panic!(
            "{spot}: the stream is not as expected\n\
             expected: {expected}\n\
             but:      {problem}\n\
             received so far:\n    {transcript}\n"
        )
    }

    fn record(&mut self, what: What) {
        let at = self.started.elapsed();
        self.records.push(Record { at, what });
    }
}

/// Indents all lines but the first, and none that is empty.
fn indent(text: &str, width: usize) -> String {
    let indent = " ".repeat(width);
    let lines = text.trim_end().lines().enumerate().map(|(number, line)| {
        match number == 0 || line.is_empty() {
            true => line.to_owned(),
            false => format!("{indent}{line}"),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("clock", &self.clock)
            .field("last_event_id", &self.last_event_id)
            .field("records", &self.records)
            .finish_non_exhaustive()
    }
}
