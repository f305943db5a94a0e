//! What time it is, so that tests can say so.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

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

    /// When it last struck, if it strikes at this interval: at the same times for all who ask.
    pub(crate) fn last(&self, interval: Duration) -> Timestamp {
        let passed = self.passed();
        let struck = passed - passed % millis(interval);
        let at = self.start.as_millisecond().saturating_add(struck);
        Timestamp::from_millisecond(at).unwrap_or(Timestamp::MAX)
    }

    /// Waits until it strikes again.
    pub(crate) fn next(&self, interval: Duration) -> impl Future<Output = ()> + use<> {
        let interval = millis(interval);
        let left = interval - self.passed() % interval;
        sleep(Duration::from_millis(left.unsigned_abs()))
    }

    /// The whole milliseconds since the start.
    fn passed(&self) -> i64 {
        i64::try_from(self.origin.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

/// At least one.
fn millis(interval: Duration) -> i64 {
    i64::try_from(interval.as_millis())
        .unwrap_or(i64::MAX)
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_strikes_at_the_same_times_for_all() {
        let interval = Duration::from_millis(250);
        let clock = Clock::starting_at(Timestamp::from_millisecond(1_001).unwrap());
        let last = || clock.last(interval).as_millisecond();
        tokio::time::advance(Duration::from_millis(600)).await;
        assert_eq!(last(), 1_501);
        clock.next(interval).await;
        assert_eq!((last(), clock.passed()), (1_751, 750));
        clock.next(interval).await;
        assert_eq!((last(), clock.passed()), (2_001, 1_000));
    }
}
