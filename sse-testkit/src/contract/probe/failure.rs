//! Why there is no answer.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::client::{Unreachable, describe};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// There is nothing to send a request to.
    Unreachable(String),
    /// No head came in this time.
    TooLate(Duration),
    /// What came was no answer, or the connection broke.
    Broken(String),
}

impl NoAnswer {
    pub(super) fn from_error(error: &(dyn Error + Send + Sync + 'static)) -> Self {
        let told = describe(error);
        match error.downcast_ref::<Unreachable>() {
            Some(_) => Self::Unreachable(told),
            None => Self::Broken(told),
        }
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(reason) => f.write_str(reason),
            Self::TooLate(within) => write!(f, "no response head within {within:?}"),
            Self::Broken(reason) => write!(f, "no response: {reason}"),
        }
    }
}
