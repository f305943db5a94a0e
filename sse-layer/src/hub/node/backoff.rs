//! When a call that failed is made again.

use std::time::Duration;

use crate::random;

/// The pause after the first failure, and the longest.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// How long to wait after so many failures in a row.
pub(super) fn backoff(failures: u32) -> Duration {
    random::backoff(FIRST, LONGEST, failures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_differ() {
        for (failures, most) in [
            (0, 100),
            (1, 100),
            (2, 200),
            (5, 1600),
            (8, 10_000),
            (u32::MAX, 10_000),
        ] {
            let most = Duration::from_millis(most);
            let pauses: Vec<_> = (0..100).map(|_| backoff(failures)).collect();
            assert!(pauses.iter().all(|pause| (most / 2..=most).contains(pause)));
            assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        }
    }
}
