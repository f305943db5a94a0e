//! An event under construction.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

/// An event as a mock server sends it. What it can't express, a script sends
/// [raw](super::Script::raw).
///
/// ```
/// use sse_testkit::mock::{event, message};
///
/// assert_eq!(event("tick").id("7").data("one\ntwo").to_string(), "event: tick\nid: 7\ndata: one\ndata: two\n\n");
/// assert_eq!(message("").to_string(), "data: \n\n");
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct MockEvent {
    name: Option<String>,
    id: Option<String>,
    retry: Option<Duration>,
    data: String,
}

/// An event with this name and empty data.
///
/// # Panics
///
/// If the name has line breaks.
#[track_caller]
pub fn event(name: impl Into<String>) -> MockEvent {
    MockEvent {
        name: Some(one_line("an event's name", name.into())),
        ..MockEvent::default()
    }
}

/// An event without a name, which clients call `message`.
pub fn message(data: impl Into<String>) -> MockEvent {
    MockEvent::default().data(data)
}

impl MockEvent {
    /// Sets the data; its lines become `data` lines.
    pub fn data(mut self, data: impl Into<String>) -> Self {
        self.data = data.into();
        self
    }

    /// Sets the data to the value as JSON.
    ///
    /// # Panics
    ///
    /// If it can't be written as JSON.
    #[track_caller]
    pub fn json(self, value: &impl Serialize) -> Self {
        match serde_json::to_string(value) {
            Ok(json) => self.data(json),
            Err(error) => panic!("the value can't be written as JSON: {error}"),
        }
    }

    /// Sets the id.
    ///
    /// # Panics
    ///
    /// If it has line breaks.
    #[track_caller]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(one_line("an event's id", id.into()));
        self
    }

    /// Sets the reconnection time.
    pub fn retry(mut self, time: Duration) -> Self {
        self.retry = Some(time);
        self
    }
}

/// The event as it is sent.
impl std::fmt::Display for MockEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(name) = &self.name {
            writeln!(f, "event: {name}")?;
        }
        if let Some(id) = &self.id {
            writeln!(f, "id: {id}")?;
        }
        if let Some(retry) = self.retry {
            writeln!(f, "retry: {}", retry.as_millis())?;
        }
        for line in lines(&self.data) {
            writeln!(f, "data: {line}")?;
        }
        f.write_char('\n')
    }
}

/// The lines of a text, by LF, CR and CRLF, which all end a line of an event stream.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        line.split('\r')
    })
}

#[track_caller]
fn one_line(what: &str, text: String) -> String {
    assert!(
        !text.contains(['\n', '\r']),
        "{what} is one line, and {text:?} is not"
    );
    text
}
