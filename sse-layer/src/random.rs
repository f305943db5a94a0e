//! Chance, which keeps streams that began together from doing everything together.

use std::{ops::RangeInclusive, time::Duration};

/// Any duration of the range, each as likely, in whole milliseconds.
pub(crate) fn spread(range: &RangeInclusive<Duration>) -> Duration {
    let millis = |duration: &Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (start, end) = (millis(range.start()), millis(range.end()));
    // A range that runs backwards is its start.
    Duration::from_millis(fastrand::u64(start..=end.max(start)))
}

/// The duration, shortened at random by up to this fraction of it (0 to 1).
pub(crate) fn shorten(duration: Duration, fraction: f64) -> Duration {
    let cut = duration.as_secs_f64() * fraction * fastrand::f64();
    duration.saturating_sub(Duration::try_from_secs_f64(cut).unwrap_or_default())
}

/// The pause after so many failures in a row: the first is doubled after each, up to the longest, and by
/// chance up to half of it less, so that those who failed together don't come back together.
#[cfg(feature = "hub")]
pub(crate) fn backoff(first: Duration, longest: Duration, failures: u32) -> Duration {
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(16));
    shorten(doubled.min(longest), 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_stays_in_its_range() {
        let range = Duration::from_secs(1)..=Duration::from_secs(2);
        for _ in 0..1000 {
            assert!(range.contains(&spread(&range)));
        }
        let backwards = Duration::from_secs(2)..=Duration::from_secs(1);
        assert_eq!(spread(&backwards), Duration::from_secs(2));
        spread(&(Duration::ZERO..=Duration::MAX));
    }

    #[test]
    fn what_is_shortened_is_never_longer_nor_shorter_than_told() {
        let duration = Duration::from_secs(10);
        for _ in 0..1000 {
            let shortened = shorten(duration, 0.2);
            assert!(shortened <= duration && shortened >= Duration::from_secs(8));
            for fraction in [0.0, 1e-17, 1.0] {
                assert!(shorten(Duration::MAX, fraction) <= Duration::MAX);
            }
        }
        assert_eq!(shorten(duration, 0.0), duration);
    }
}
