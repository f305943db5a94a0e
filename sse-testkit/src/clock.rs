//! Which time a stream runs in, and keeping it that way.
//!
//! Virtual time is tokio's paused clock: it jumps to the next timer as soon as every task waits.
//! A test of a 15 s heartbeat then takes no time and its time stamps are exact.

use std::task::Poll;
use std::time::{Duration, Instant as WallInstant};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::Instant;

/// The time a stream runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    Virtual,
    Real,
}

impl Clock {
    /// Virtual wherever the runtime can do it, unless real time is asked for.
    ///
    /// `Err` says why there is no time at all.
    pub(crate) fn choose(real: bool) -> Result<Self, String> {
        let Ok(runtime) = Handle::try_current() else {
            return Err("sse-testkit needs a tokio runtime: use `#[tokio::test]`".to_owned());
        };
        // Only the current-thread runtime can pause its clock.
        match runtime.runtime_flavor() {
            RuntimeFlavor::CurrentThread if !real => Ok(Self::Virtual),
            _ => Ok(Self::Real),
        }
    }

    /// Makes the runtime's clock run this way, which another stream of the test may have changed.
    pub(crate) async fn enter(self) {
        match (self, is_paused()) {
            (Self::Virtual, false) => {
                tokio::time::pause();
                align().await;
            }
            (Self::Real, true) => tokio::time::resume(),
            (Self::Virtual, true) | (Self::Real, false) => {}
        }
    }

    /// How long a wait may take unless told otherwise: long enough for any heartbeat interval in
    /// virtual time, short enough for a person in real time.
    pub(crate) fn default_timeout(self) -> Duration {
        match self {
            Self::Virtual => Duration::from_secs(60),
            Self::Real => Duration::from_secs(5),
        }
    }

    /// How long after the response head bytes still count as sent together with it.
    pub(crate) fn head_slack(self) -> Duration {
        match self {
            Self::Virtual => Duration::ZERO,
            Self::Real => Duration::from_millis(250),
        }
    }
}

/// Whether tokio's clock stands still. There is no way to ask, and pausing it twice panics, so let
/// some real time pass and look.
fn is_paused() -> bool {
    let tokio_before = Instant::now();
    let wall_before = WallInstant::now();
    while wall_before.elapsed() < Duration::from_micros(1) {
        std::hint::spin_loop();
    }
    Instant::now() == tokio_before
}

/// Moves a clock that was just paused to a whole millisecond of the runtime's timer.
///
/// The timer counts in milliseconds and rounds up. A clock paused in between two of them would make
/// every timer one millisecond late, and the delays would add up: heartbeats at 15.001 s, 30.002 s.
async fn align() {
    const MILLISECOND: u64 = 1_000_000;
    const STEP: u64 = 1_000;

    // With the clock at `past` nanoseconds after a tick, a timer of `n` nanoseconds fires at the
    // next tick if `past + n` is at most a millisecond, and one later otherwise. So the largest `n`
    // that fires at the next tick is what is missing. Look for its thousands first.
    let coarse = largest_on_next_tick((1..=STEP).map(|n| n * STEP)).await;
    let base = coarse - coarse % STEP;
    let missing = largest_on_next_tick(base..base + STEP).await;
    tokio::time::advance(Duration::from_nanos(missing % MILLISECOND)).await;
}

async fn largest_on_next_tick(nanos: impl Iterator<Item = u64>) -> u64 {
    let start = Instant::now();
    // One nanosecond always fires at the next tick.
    let mut timers: Vec<_> = std::iter::once(1)
        .chain(nanos)
        .map(|n| {
            let timer = tokio::time::sleep_until(start + Duration::from_nanos(n));
            (n, Box::pin(timer))
        })
        .collect();
    // All that are due fire together; without a budget, since there are more than it allows.
    tokio::task::unconstrained(std::future::poll_fn(|cx| {
        let mut largest = None;
        for (n, timer) in &mut timers {
            if timer.as_mut().poll(cx).is_ready() {
                largest = largest.max(Some(*n));
            }
        }
        largest.map_or(Poll::Pending, Poll::Ready)
    }))
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_clock_paused_at_any_moment_keeps_whole_milliseconds() {
        for _ in 0..50 {
            std::thread::sleep(Duration::from_micros(37));
            assert!(!is_paused());
            Clock::Virtual.enter().await;
            assert!(is_paused());
            let start = Instant::now();
            for n in 1..=3 {
                tokio::time::sleep(Duration::from_secs(15)).await;
                assert_eq!(start.elapsed(), Duration::from_secs(15 * n));
            }
            Clock::Real.enter().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_already_stands_still_is_left_alone() {
        let start = Instant::now();
        assert!(is_paused());
        Clock::Virtual.enter().await;
        assert_eq!(Instant::now(), start);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn several_threads_mean_real_time() {
        assert_eq!(Clock::choose(false), Ok(Clock::Real));
    }

    #[test]
    fn without_a_runtime_the_reason_is_told() {
        let reason = Clock::choose(false).unwrap_err();
        assert!(reason.contains("#[tokio::test]"), "{reason}");
    }
}
