//! The thing under test: a response, read as an event stream.

mod decoder;
mod reconnect;

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode};

pub(crate) use self::decoder::decoder;
pub use self::reconnect::Reconnect;
use crate::client::Template;
use crate::frame::Frame;
use crate::record::{Chunk, What};
use crate::recorder::{Recorder, Spot};
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
    pub(crate) recorder: Recorder,
    /// Nothing if the request could not be made.
    template: Option<Template>,
}

/// What browsers wait before they reconnect if the stream does not say.
pub(crate) const DEFAULT_RETRY: Duration = Duration::from_secs(3);

impl EventStream {
    pub(crate) async fn open(recorder: Recorder, template: Option<Template>) -> Self {
        let mut this = Self { recorder, template };
        this.dial().await;
        this
    }

    /// The status of the response.
    ///
    /// # Panics
    ///
    /// If there is none, because the request failed.
    #[track_caller]
    pub fn status(&self) -> StatusCode {
        self.recorder.head(Spot::here(), "a response").status
    }

    /// The headers of the response.
    ///
    /// # Panics
    ///
    /// If there are none, because the request failed.
    #[track_caller]
    pub fn headers(&self) -> &HeaderMap {
        &self.recorder.head(Spot::here(), "a response").headers
    }

    /// All bytes of the current response that have arrived so far.
    pub fn raw(&self) -> &[u8] {
        self.recorder.raw()
    }

    /// The bytes of the current response as its body yielded them.
    pub fn chunks(&self) -> &[Chunk] {
        self.recorder.chunks()
    }

    /// The frames read so far, over all connections, each with the time it came.
    pub fn frames(&self) -> impl Iterator<Item = (Duration, &Frame)> {
        let records = self.recorder.passed().iter();
        records.filter_map(|record| match &record.what {
            What::Frame(frame) => Some((record.at, frame)),
            _ => None,
        })
    }

    /// The id with which a client that has read this far would resume; empty if there is none.
    pub fn last_event_id(&self) -> &str {
        let read = self.latest(Frame::last_event_id);
        let sent = || self.template.as_ref().map(|it| &*it.last_event_id);
        read.or_else(sent).unwrap_or_default()
    }

    /// The id with which the very first request was sent; empty if it had none.
    pub(crate) fn first_last_event_id(&self) -> &str {
        self.template.as_ref().map_or("", |it| &it.last_event_id)
    }

    /// How long a client that has read this far would wait before it reconnects: 3 s unless the
    /// stream said otherwise.
    pub fn retry(&self) -> Duration {
        let read = self.latest(Frame::reconnection_time);
        read.unwrap_or(DEFAULT_RETRY)
    }

    /// The time since the first request was sent.
    pub fn elapsed(&self) -> Duration {
        self.recorder.elapsed()
    }

    /// Drops the response body at once, as a client that goes away does.
    ///
    /// What has arrived but not been read is forgotten.
    pub fn close(&mut self) {
        self.recorder.close();
    }

    /// What the test has read so far, for a snapshot.
    pub fn transcript(&self) -> Transcript {
        self.recorder.transcript()
    }

    /// What the last frame says that says it, of those that were read and not received ahead.
    fn latest<'a, T>(&'a self, says: impl Fn(&'a Frame) -> Option<T>) -> Option<T> {
        let mut records = self.recorder.passed().iter().rev();
        records.find_map(|record| match &record.what {
            What::Frame(frame) => says(frame),
            _ => None,
        })
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("clock", &self.recorder.clock())
            .field("last_event_id", &self.last_event_id())
            .field("records", &self.recorder.records())
            .finish_non_exhaustive()
    }
}
