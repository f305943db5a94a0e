//! What a server sent, with its times and chunks, kept as text.
//!
//! A recording is a file of JSON lines, made to be read, edited and written by hand:
//!
//! ```text
//! {"sse_recording":1,"url":"http://127.0.0.1:3000/prices"}
//! {"at":0,"connect":""}
//! {"at":2,"status":200,"headers":{"cache-control":"no-cache","content-type":"text/event-stream"}}
//! {"at":2,"text":"retry: 500\n\n"}
//! {"at":1003,"text":"id: 1\nevent: tick\ndata: {\"n\":1}\n\n"}
//! {"at":1004,"base64":"ZGF0YTog4g=="}
//! {"at":1010,"error":"connection reset by peer"}
//! {"at":1510,"connect":"1"}
//! {"at":1512,"status":200,"headers":{"content-type":"text/event-stream"}}
//! {"at":2512,"text":"id: 2\nevent: tick\ndata: {\"n\":2}\n\n"}
//! {"at":2513,"end":true}
//! ```
//!
//! | line | what happened |
//! |---|---|
//! | `"sse_recording":1` | the first line: the format's version, and the `url` if it is known |
//! | `"connect":"7"` | a request was sent with this `Last-Event-ID`, without one if it is empty |
//! | `"status"`, `"headers"` | the response head; a header that came several times has a list of values |
//! | `"text"`, `"base64"` | a chunk of the body; base64 where the bytes are no UTF-8 |
//! | `"end":true` | the body ended by itself |
//! | `"error":".."` | there was no response, or its body broke off |
//!
//! Each line but the first has its time: `at` counts milliseconds from the start, `after` from the
//! line before, and a line with neither happened together with the line before. Empty lines, and
//! lines that begin with `#`, are skipped. The `connect` before the first head may be
//! left out: it was at the start.
//!
//! ```
//! use sse_testkit::recording::Recording;
//!
//! let recording: Recording = r#"
//!     {"sse_recording":1}
//!     {"status":200,"headers":{"content-type":"text/event-stream"}}
//!     ## Two seconds of thinking.
//!     {"after":2000,"text":"data: done\n\n"}
//!     {"end":true}
//! "#.parse()?;
//! assert_eq!(recording.exchanges()[0].chunks().len(), 1);
//!
//! let error = "{\"sse_recording\":1}\n{\"tex\":\"\"}".parse::<Recording>().unwrap_err();
//! assert!(error.to_string().starts_with("line 2: \"tex\" is no key"), "{error}");
//! # Ok::<(), sse_testkit::recording::RecordingError>(())
//! ```

mod entry;
mod error;
mod fold;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::time::Duration;

use http::{HeaderMap, StatusCode};

pub use self::error::RecordingError;
pub use self::write::Writer;
use crate::record::Chunk;

/// What a server sent to one client, over one or several connections.
///
/// It is read by [`str::parse`] or [`read`](Self::read) and written by [`to_string`](ToString) or
/// [`save`](Self::save). A [`Writer`] writes one while the stream goes on, and
/// [`EventStream::recording`](crate::EventStream::recording) has what a test has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recording {
    url: Option<String>,
    exchanges: Vec<Exchange>,
    /// When the last thing happened.
    until: Duration,
}

/// A request, and what it was answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    at: Duration,
    last_event_id: String,
    head: Option<Head>,
    chunks: Vec<Chunk>,
    ending: Ending,
}

/// A response head.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Head {
    at: Duration,
    status: StatusCode,
    headers: HeaderMap,
}

/// How a response ended. The times count from the recording's start.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// It had not ended when the client left, or the recording was stopped.
    Open,
    /// By itself.
    #[non_exhaustive]
    End {
        /// When.
        at: Duration,
    },
    /// It broke off, or there was none.
    #[non_exhaustive]
    Error {
        /// When.
        at: Duration,
        /// In the client's words.
        reason: String,
    },
}

impl Recording {
    /// Where it was recorded.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// The requests with what came of them, in order.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }
}

impl Exchange {
    /// When the request was sent, counted from the recording's start.
    pub fn at(&self) -> Duration {
        self.at
    }

    /// The `Last-Event-ID` that was sent; empty if none was.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// The status, if there was a response.
    pub fn status(&self) -> Option<StatusCode> {
        self.head.as_ref().map(|head| head.status)
    }

    /// The headers, if there was a response.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.head.as_ref().map(|head| &head.headers)
    }

    /// When the response head came, counted from the recording's start.
    pub fn head_at(&self) -> Option<Duration> {
        self.head.as_ref().map(|head| head.at)
    }

    /// The body as it came; the times count from the recording's start.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// How it ended.
    pub fn ending(&self) -> &Ending {
        &self.ending
    }
}
