//! What stops the parser.

use std::fmt;

/// The stream has a line or an event that is larger than the parser accepts.
///
/// Nothing else is an error: the standard gives every sequence of bytes a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseError {
    /// A line has more bytes than [`max_line_size`](super::Parser::max_line_size).
    LineTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The field lines of an event, and the comments among them, have more bytes than
    /// [`max_event_size`](super::Parser::max_event_size).
    EventTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineTooLong { limit } => write!(f, "a line is longer than {limit} bytes"),
            Self::EventTooLarge { limit } => write!(f, "an event is larger than {limit} bytes"),
        }
    }
}

impl std::error::Error for ParseError {}
