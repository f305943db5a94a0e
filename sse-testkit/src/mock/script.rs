//! An answer written in code.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::MockEvent;
use super::answer::{Answer, Opening, Step};
use super::event::lines;

/// What a mock server answers one request with: a head and then one thing after the other, faults
/// included. Where the script ends, the response does.
#[derive(Debug, Clone)]
#[must_use]
pub struct Script {
    head_after: Duration,
    opening: Opening,
    steps: Vec<Step>,
}

impl Script {
    /// A 200 with the content type of event streams.
    pub fn new() -> Self {
        let Answer {
            head_after,
            opening,
            ..
        } = Answer::stream(Vec::new());
        Self {
            head_after,
            opening,
            steps: Vec::new(),
        }
    }

    /// A 204, which tells `EventSource` to stop.
    pub fn no_content() -> Self {
        Self::bodiless(StatusCode::NO_CONTENT)
    }

    /// A redirect of a kind that keeps the method, 307.
    ///
    /// # Panics
    ///
    /// If the address can't stand in a header.
    #[track_caller]
    pub fn redirect(location: &str) -> Self {
        Self::bodiless(StatusCode::TEMPORARY_REDIRECT).header(LOCATION.as_str(), location)
    }

    /// No answer: the connection is closed when the request is read.
    pub fn hang_up() -> Self {
        Self {
            opening: Opening::HangUp,
            ..Self::new()
        }
    }

    /// Sets the status. `EventSource` gives up on all but 200.
    ///
    /// # Panics
    ///
    /// If there is no such status.
    #[track_caller]
    pub fn status(mut self, code: u16) -> Self {
        match (StatusCode::from_u16(code), &mut self.opening) {
            (Ok(code), Opening::Head { status, .. }) => *status = code,
            (Ok(_), Opening::HangUp) => {}
            (Err(_), _) => panic!("{code} is no status"),
        }
        self
    }

    /// Sets a header; one that is already there is replaced.
    ///
    /// # Panics
    ///
    /// If the name or the value is not valid.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let parsed = (name.parse::<HeaderName>(), HeaderValue::from_str(value));
        let (Ok(name), Ok(value)) = parsed else {
            panic!("{name:?}: {value:?} is no header")
        };
        if let Opening::Head { headers, .. } = &mut self.opening {
            headers.insert(name, value);
        }
        self
    }

    /// Sets the content type. `EventSource` gives up on all but `text/event-stream`.
    ///
    /// # Panics
    ///
    /// If it is not a valid header.
    #[track_caller]
    pub fn content_type(self, value: &str) -> Self {
        self.header(CONTENT_TYPE.as_str(), value)
    }

    /// Lets the client wait for the response head.
    pub fn head_after(mut self, time: Duration) -> Self {
        self.head_after = time;
        self
    }

    /// Sends an event, in a chunk of its own.
    pub fn event(self, event: MockEvent) -> Self {
        self.raw(event.to_string())
    }

    /// Sends a comment, such as a heartbeat is.
    pub fn comment(self, text: &str) -> Self {
        let lines: String = lines(text).map(|line| format!(": {line}\n")).collect();
        self.raw(format!("{lines}\n"))
    }

    /// Sends a reconnection time.
    pub fn retry(self, time: Duration) -> Self {
        self.raw(format!("retry: {}\n\n", time.as_millis()))
    }

    /// Sends these bytes as they are, in a chunk of their own. None make no chunk.
    pub fn raw(mut self, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        if !bytes.is_empty() {
            self.steps.push(Step::Send(bytes));
        }
        self
    }

    /// Sends every byte that there is, from 0 to 255, as one chunk: no UTF-8, control characters,
    /// lines that are no fields.
    pub fn garbage(self) -> Self {
        self.raw((0..=255).collect::<Vec<u8>>())
    }

    /// Sends nothing for this long.
    pub fn pause(mut self, time: Duration) -> Self {
        self.steps.push(Step::Pause(time));
        self
    }

    /// Keeps the response open and sends nothing any more.
    pub fn stall(self) -> Self {
        self.last(Step::Stall)
    }

    /// Closes the connection, so that the client can tell that the response is not whole.
    pub fn cut(self) -> Self {
        self.last(Step::Cut)
    }

    /// Sends the first half of the event and closes the connection.
    pub fn cut_inside(self, event: MockEvent) -> Self {
        let text = event.to_string().into_bytes();
        let half = text[..text.len() / 2].to_vec();
        self.raw(half).cut()
    }

    /// Resets the connection, as a server does that crashes. Over HTTP/2 all its streams go with it.
    pub fn reset(self) -> Self {
        self.last(Step::Reset)
    }

    pub(super) fn into_answer(self) -> Answer {
        Answer {
            head_after: self.head_after,
            opening: self.opening,
            ..Answer::stream(self.steps)
        }
    }

    fn last(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    fn bodiless(status: StatusCode) -> Self {
        Self {
            opening: Opening::Head {
                status,
                headers: HeaderMap::new(),
            },
            ..Self::new()
        }
    }
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}
