use std::{error::Error as StdError, fmt};

use crate::error::BoxError;

/// A call to an engine that failed.
#[derive(Debug)]
pub struct BackplaneError {
    failure: Failure,
    source: BoxError,
}

/// What a failed call has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// The engine was not reached: nothing was done.
    Unavailable,
    /// The engine refused: nothing was done. It is out of memory, the user may not do this, or
    /// something else is at the place where events should be.
    Refused,
    /// The engine did not answer: it may have been done.
    Unknown,
}

impl BackplaneError {
    /// An error, with what has caused it.
    pub fn new(failure: Failure, source: impl Into<BoxError>) -> Self {
        Self {
            failure,
            source: source.into(),
        }
    }

    /// What the call has come to.
    pub const fn failure(&self) -> Failure {
        self.failure
    }
}

impl fmt::Display for BackplaneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.failure {
            Failure::Unavailable => "the engine is not reached",
            Failure::Refused => "the engine refused",
            Failure::Unknown => "the engine did not answer",
        })
    }
}

impl StdError for BackplaneError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}
