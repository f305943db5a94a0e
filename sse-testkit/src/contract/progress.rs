//! How far a run is, for those who wait for it.

use std::time::Duration;

use super::Finding;

/// How far a run is.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A stream is being looked at, for about this long; checks go on meanwhile.
    #[non_exhaustive]
    Observing {
        /// How long it is looked at.
        about: Duration,
        /// How many checks there are.
        checks: usize,
    },
    /// This check is done.
    Done(&'a Finding),
}
