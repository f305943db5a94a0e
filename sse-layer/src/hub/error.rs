//! What a hub refuses.

use std::{error::Error as StdError, fmt};

use crate::{
    backplane::{BackplaneError, Failure},
    error::EncodeError,
};

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
    /// The engine behind the hub has not answered.
    Engine(BackplaneError),
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
            Self::Engine(error) => error.fmt(f),
        }
    }
}

impl StdError for TopicError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Engine(error) => error.source(),
            _ => None,
        }
    }
}

/// An event that was not published. Nobody gets it, but for that of which
/// [nothing is known](Self::Unknown).
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
    /// The engine behind the hub is not reached.
    Unavailable(BackplaneError),
    /// The engine behind the hub refuses it: it is out of memory, say, or does not allow it.
    Refused(BackplaneError),
    /// The engine behind the hub has not answered, so that the event may have been published all
    /// the same. Publish it again with a [key](super::Publish::key), and nobody gets it twice.
    Unknown(BackplaneError),
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
            Self::Unavailable(error) | Self::Refused(error) | Self::Unknown(error) => error.fmt(f),
        }
    }
}

impl StdError for PublishError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Topic(error) => Some(error),
            Self::Encode(error) => Some(error),
            Self::Unavailable(error) | Self::Refused(error) | Self::Unknown(error) => {
                error.source()
            }
            _ => None,
        }
    }
}

impl From<BackplaneError> for PublishError {
    fn from(error: BackplaneError) -> Self {
        match error.failure() {
            Failure::Unavailable => Self::Unavailable(error),
            Failure::Refused => Self::Refused(error),
            Failure::Unknown => Self::Unknown(error),
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
