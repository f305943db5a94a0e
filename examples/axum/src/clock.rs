//! What time it is, so that tests can say so.

use jiff::Timestamp;
use tokio::time::Instant;

/// Tells the time by tokio's clock, which tests pause and move on at will.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Timestamp,
    origin: Instant,
}

impl Clock {
    /// A clock that shows this time now.
    pub(crate) fn starting_at(start: Timestamp) -> Self {
        Self {
            start,
            origin: Instant::now(),
        }
    }

    /// The time, in whole milliseconds.
    pub(crate) fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.origin.elapsed().as_millis()).unwrap_or(i64::MAX);
        let now = self.start.as_millisecond().saturating_add(passed);
        Timestamp::from_millisecond(now).unwrap_or(Timestamp::MAX)
    }
}
