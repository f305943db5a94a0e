//! The error of what a test broke off.

use std::error::Error;
use std::fmt;
use std::io;

/// The test broke it off here: the error of a body after [`fail_after`](super::fail_after), and
/// what is inside the `ConnectionReset` of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broken {
    /// How many bytes passed before.
    pub after: u64,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken off by the test after {} bytes", self.after)
    }
}

impl Error for Broken {}

impl From<Broken> for io::Error {
    fn from(broken: Broken) -> Self {
        Self::new(io::ErrorKind::ConnectionReset, broken)
    }
}
