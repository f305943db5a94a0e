//! What did not hold.

use std::{error::Error as StdError, fmt};

use crate::{backplane::BackplaneError, error::BoxError};

/// A check that an engine does not pass: what was to be, and what was.
pub struct Failed(String);

/// So many characters are told of lists that may have thousands of numbers.
const LENGTH: usize = 1500;

impl Failed {
    pub(super) fn new(what: impl Into<String>) -> Self {
        let mut what = what.into();
        if let Some((end, _)) = what.char_indices().nth(LENGTH) {
            what.truncate(end);
            what.push_str(" ...");
        }
        Self(what)
    }

    /// An error, with all that caused it.
    pub(super) fn of(call: &str, error: &(dyn StdError + 'static)) -> Self {
        let mut what = format!("{call}: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            what.push_str(": ");
            what.push_str(&error.to_string());
            cause = error.source();
        }
        Self::new(what)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As it is displayed, so that a test that returns it tells it well.
impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for Failed {}

impl From<BackplaneError> for Failed {
    fn from(error: BackplaneError) -> Self {
        Self::of("a call failed", &error)
    }
}

impl From<BoxError> for Failed {
    fn from(error: BoxError) -> Self {
        Self::of("a node was not made", &*error)
    }
}

impl From<tokio::task::JoinError> for Failed {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::of("a call did not end", &error)
    }
}

/// Fails the check with what it is told, unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($told:tt)+) => {
        if !$condition {
            return Err($crate::conformance::Failed::new(format!($($told)+)));
        }
    };
}

pub(super) use ensure;
