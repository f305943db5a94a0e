use std::{fmt, io};

/// Why a stream is not what was asked for.
#[derive(Debug)]
pub enum Fault {
    /// No connection: refused, or no address left to connect from.
    Connect(io::Error),
    /// A connection that was open broke.
    Broken(io::Error),
    /// Another status than 200.
    Status(u16),
    /// A 200 of another kind.
    ContentType(String),
    /// Bytes that are no HTTP, or no events.
    Malformed(&'static str),
    /// The connection ended within the response.
    ClosedEarly,
    /// The stream came to its end where it should go on.
    Ended,
    /// Nothing came for longer than a client waits.
    TimedOut,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "could not connect: {error}"),
            Self::Broken(error) => write!(f, "the connection broke: {error}"),
            Self::Status(status) => write!(f, "answered with status {status} instead of 200"),
            Self::ContentType(kind) if kind.is_empty() => {
                f.write_str("answered without a content type, not as text/event-stream")
            }
            Self::ContentType(kind) => {
                write!(f, "answered as {kind:?} instead of text/event-stream")
            }
            Self::Malformed(what) => write!(f, "sent what can't be read: {what}"),
            Self::ClosedEarly => f.write_str("the server closed in the middle of the response"),
            Self::Ended => f.write_str("the server ended a stream that should stay"),
            Self::TimedOut => f.write_str("no answer within the time that a client waits"),
        }
    }
}

impl std::error::Error for Fault {}
