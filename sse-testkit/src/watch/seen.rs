//! What a watching client sees, and as a line of text.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri};

use crate::record::What;
use crate::transcript::{escape, line, time, token};
use crate::{Frame, Reconnect};

/// Something that was seen, and when.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Sighting {
    /// When, counted from the making of the [`Watch`](super::Watch).
    pub elapsed: Duration,
    /// What.
    pub seen: Seen,
}

/// What a [`Watch`](super::Watch) sees.
///
/// Its text is the one that a [`Transcript`](crate::Transcript) has for it: control characters are
/// escaped, so that it can be shown on a terminal.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Seen {
    /// A request was sent.
    #[non_exhaustive]
    Request {
        /// To this address: the one asked for, or where a redirect led.
        uri: Uri,
        /// With this `Last-Event-ID`, if it is not empty.
        last_event_id: String,
    },
    /// A response head came.
    #[non_exhaustive]
    Head {
        /// Its status.
        status: StatusCode,
        /// Its headers.
        headers: HeaderMap,
    },
    /// The body yielded these bytes; the frames they complete follow.
    Chunk(Bytes),
    /// A frame was complete.
    Frame(Frame),
    /// The body of a response that is no event stream, or the first part of it.
    Body(String),
    /// The body ended by itself.
    #[non_exhaustive]
    End {
        /// What it had begun and a client throws away.
        discarded: Option<String>,
    },
    /// There was no response, or its body broke off.
    Error(String),
    /// A request follows after a pause.
    #[non_exhaustive]
    Wait {
        /// The reconnection time.
        pause: Duration,
        /// The last event id as of now.
        last_event_id: String,
    },
    /// No request follows: the server said so ([`Stopped`](Reconnect::Stopped)), it answered with
    /// something else than an event stream ([`Refused`](Reconnect::Refused)), or there can't be a
    /// request ([`Unreachable`](Reconnect::Unreachable)).
    GaveUp(Reconnect),
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Self::Request { uri, last_event_id } => {
                // A redirect may lead to what is no ASCII.
                write!(f, "request {}", escape(&uri.to_string()))?;
                return with_id(f, last_event_id);
            }
            Self::Head { status, .. } => return write!(f, "HTTP {status}"),
            Self::Wait {
                pause,
                last_event_id,
            } => {
                write!(f, "reconnect after {}", time(*pause))?;
                return with_id(f, last_event_id);
            }
            Self::GaveUp(outcome) => {
                return f.write_str(match outcome {
                    Reconnect::Stopped => "stopped: a 204 asks clients not to come back",
                    Reconnect::Refused => "refused: a client does not come back",
                    Reconnect::Unreachable | Reconnect::Open => "no request can be sent",
                });
            }
            Self::Chunk(bytes) => What::Chunk(bytes.clone()),
            Self::Frame(frame) => What::Frame(frame.clone()),
            Self::Body(text) => What::Plain(text.clone()),
            Self::End { discarded } => What::End {
                discarded: discarded.clone(),
            },
            Self::Error(reason) => What::Error(reason.clone()),
        };
        f.write_str(&line(&what))
    }
}

fn with_id(f: &mut fmt::Formatter<'_>, last_event_id: &str) -> fmt::Result {
    match last_event_id {
        "" => Ok(()),
        id => write!(f, ", last-event-id: {}", token(id)),
    }
}
