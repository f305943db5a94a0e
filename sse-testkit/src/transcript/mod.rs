//! What a stream sent, as text: for snapshots and for failed expectations.

mod messages;
mod redact;
mod render;

use std::fmt;

use self::messages::View;
pub(crate) use self::messages::hex;
pub use self::redact::Redactions;
pub(crate) use self::render::{escape, line, time, token};
use crate::record::{Record, What};

/// What a test has read from a stream, as text.
///
/// The status and the headers (but for `date`) stand first, then each frame with the time it came,
/// counted from the first request. The form is made for `insta::assert_snapshot!`:
///
/// ```text
/// HTTP 200 OK
/// content-type: text/event-stream
///
/// +0ms     opening ":\n\n"
/// +0ms     event tick #1 | {"n":0}
/// +15s     comment : keep-alive
/// +15s     event message | two
///                        | lines
/// +15s     end
/// ```
///
/// `#1` is the event's id and `retry=3s` its reconnection time, both only if they are in the
/// event's own block. A name or id with other characters than letters, digits and `_ - . : /` is
/// put in quotes, and control characters in data are escaped.
///
/// A call over [gRPC-Web](crate::grpc_web) looks the same, with its messages and its status:
///
/// ```text
/// HTTP 200 OK
/// content-type: application/grpc-web+proto
///
/// +0ms     message 2 bytes | 08 05
/// +15s     status 14 UNAVAILABLE | draining
///            with trailer x-retry: 3
/// +15s     end
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Transcript {
    records: Vec<Record>,
    skipped: usize,
    chunks: bool,
    messages: Option<View>,
    redactions: Redactions,
}

impl Transcript {
    pub(crate) fn new(records: Vec<Record>) -> Self {
        Self {
            records,
            skipped: 0,
            chunks: false,
            messages: None,
            redactions: Redactions::default(),
        }
    }

    /// Only the last ones; the heads stay.
    pub(crate) fn last(mut self, count: usize) -> Self {
        let is_shown = |record: &Record| !matches!(record.what, What::Chunk(_) | What::Head(_));
        let mut surplus = self.records.iter().filter(|it| is_shown(it)).count();
        surplus = surplus.saturating_sub(count);
        self.skipped = surplus;
        self.records.retain(|record| {
            let keep = !is_shown(record) || surplus == 0;
            surplus -= usize::from(!keep);
            keep
        });
        self
    }

    /// Leaves out the headers.
    pub fn without_headers(mut self) -> Self {
        self.redactions = self.redactions.without_headers();
        self
    }

    /// Leaves out the times, which differ from run to run in real time.
    pub fn without_times(mut self) -> Self {
        self.redactions = self.redactions.without_times();
        self
    }

    /// Shows how the bytes were cut into chunks; a chunk stands before the frames it completes.
    pub fn with_chunks(mut self) -> Self {
        self.chunks = true;
        self
    }

    /// Numbers the ids: the first one that appears becomes `[id-1]`, wherever it stands.
    pub fn redact_ids(mut self) -> Self {
        self.redactions = self.redactions.ids();
        self
    }

    /// Replaces the values of this key, however deep, in data that is JSON. The replacement is
    /// shown as a JSON string.
    pub fn redact_json(mut self, key: impl Into<String>, replacement: impl Into<String>) -> Self {
        self.redactions = self.redactions.json(key, replacement);
        self
    }

    /// Replaces the value of this header.
    pub fn redact_header(mut self, name: impl AsRef<str>, replacement: impl Into<String>) -> Self {
        self.redactions = self.redactions.header(name, replacement);
        self
    }

    /// Replaces what matches this regular expression (in the syntax of the `regex` crate) anywhere
    /// in the finished text; the replacement may use `$1`.
    ///
    /// # Panics
    ///
    /// If the regular expression is not valid.
    #[track_caller]
    pub fn redact(mut self, pattern: &str, replacement: impl Into<String>) -> Self {
        self.redactions = self.redactions.text(pattern, replacement);
        self
    }

    /// Does all these, which may be the same for a whole test file.
    pub fn redact_with(mut self, redactions: &Redactions) -> Self {
        self.redactions = self.redactions.and(redactions);
        self
    }

    fn times(&self) -> bool {
        !self.redactions.without_times
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redactions.shown_text(self.render()))
    }
}
