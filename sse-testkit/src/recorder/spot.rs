//! The line of the test that expects something.

use std::fmt;
use std::panic::Location;

/// Taken before the future is made, since an `async fn` does not know its caller.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot(&'static Location<'static>);

impl Spot {
    #[track_caller]
    pub(crate) fn here() -> Self {
        Self(Location::caller())
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.file(), self.0.line())
    }
}
