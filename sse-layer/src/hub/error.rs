//! What a hub refuses.

use std::{error::Error as StdError, fmt};

use crate::error::EncodeError;

/// A topic that can't be published to, subscribed to or read.
#[derive(Debug)]
#[non_exhaustive]
pub enum TopicError {
    /// The topic's name is empty.
    EmptyName,
    /// The topic's name is longer than a hub's names may be.
    NameTooLong {
        /// Its length, in bytes.
        len: usize,
        /// How long it may be, in bytes.
        max: usize,
    },
    /// The hub has as many topics as it may have, and this would be another one.
    TooMany {
        /// How many there may be.
        max: usize,
    },
    /// A subscription to no topic at all, or to more than one subscription may have.
    Subscribed {
        /// To how many.
        count: usize,
        /// How many they may be.
        max: usize,
    },
}

impl fmt::Display for TopicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyName => f.write_str("a topic's name must not be empty"),
            Self::NameTooLong { len, max } => {
                write!(f, "a topic's name of {len} bytes is longer than {max}")
            }
            Self::TooMany { max } => write!(f, "the hub has {max} topics, as many as it may have"),
            Self::Subscribed { count: 0, .. } => f.write_str("a subscription to no topic"),
            Self::Subscribed { count, max } => {
                write!(
                    f,
                    "a subscription to {count} topics, which is more than {max}"
                )
            }
        }
    }
}

impl StdError for TopicError {}

/// An event that was not published. Nobody gets it.
#[derive(Debug)]
#[non_exhaustive]
pub enum PublishError {
    /// The topic can't be published to.
    Topic(TopicError),
    /// The event can't be written.
    Encode(EncodeError),
    /// The event has an id of its own. The hub gives each event its id, since by it a client
    /// resumes.
    OwnId,
    /// The event has nothing in it.
    EmptyEvent,
    /// The event is larger than a hub's events may be.
    EventTooLarge {
        /// Its length on the wire, in bytes.
        len: usize,
        /// How long it may be, in bytes.
        max: usize,
    },
    /// The publish key is longer than one may be.
    KeyTooLong {
        /// Its length, in bytes.
        len: usize,
        /// How long it may be, in bytes.
        max: usize,
    },
    /// The histories of all topics together take as many bytes as they may, and of this topic's
    /// own there is not enough to make room.
    HistoryFull {
        /// How many bytes they may take.
        max: usize,
    },
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic(error) => error.fmt(f),
            Self::Encode(error) => error.fmt(f),
            Self::OwnId => f.write_str("an event that is published must have no id of its own"),
            Self::EmptyEvent => f.write_str("an event with nothing in it"),
            Self::EventTooLarge { len, max } => {
                write!(f, "an event of {len} bytes is larger than {max}")
            }
            Self::KeyTooLong { len, max } => {
                write!(f, "a publish key of {len} bytes is longer than {max}")
            }
            Self::HistoryFull { max } => {
                write!(f, "the hub's history takes {max} bytes, as many as it may")
            }
        }
    }
}

impl StdError for PublishError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Topic(error) => Some(error),
            Self::Encode(error) => Some(error),
            _ => None,
        }
    }
}

impl From<TopicError> for PublishError {
    fn from(error: TopicError) -> Self {
        Self::Topic(error)
    }
}

impl From<EncodeError> for PublishError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}
