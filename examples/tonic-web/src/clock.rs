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
        let now = self.now();
        Timestamp::from_millisecond(now - now.rem_euclid(millis(interval)))
            .unwrap_or(Timestamp::MAX)
    }

    /// Waits until it strikes again.
    pub(crate) fn next(&self, interval: Duration) -> impl Future<Output = ()> + use<> {
        let interval = millis(interval);
        let passed = self.now().rem_euclid(interval);
        sleep(Duration::from_millis((interval - passed).unsigned_abs()))
    }

    /// The time, in whole milliseconds.
    fn now(&self) -> i64 {
        let passed = i64::try_from(self.origin.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.start.as_millisecond().saturating_add(passed)
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
        let clock = Clock::starting_at(Timestamp::from_millisecond(1_100).unwrap());
        let last = || clock.last(interval).as_millisecond();
        assert_eq!(last(), 1_000);
        clock.next(interval).await;
        assert_eq!((last(), clock.now()), (1_250, 1_250));
        clock.next(interval).await;
        assert_eq!((last(), clock.now()), (1_500, 1_500));
    }
}
