//! The pauses between attempts to connect.

use std::time::Duration;

use crate::random;

/// Pauses that double, each of them shortened by chance by up to a half, so that the nodes of an
/// engine that was gone do not all come at once.
#[derive(Debug)]
pub(super) struct Pauses {
    next: Duration,
}

impl Pauses {
    const FIRST: Duration = Duration::from_millis(100);
    pub(super) const LONGEST: Duration = Duration::from_secs(10);

    pub(super) fn new() -> Self {
        Self { next: Self::FIRST }
    }

    pub(super) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(Self::LONGEST);
        random::shorten(pause, 0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_double_up_to_a_longest_and_are_spread() {
        let mut pauses = Pauses::new();
        let mut full = Pauses::FIRST;
        for _ in 0..20 {
            let pause = pauses.next();
            assert!(pause <= full && pause >= full / 2, "{pause:?} of {full:?}");
            full = (full * 2).min(Pauses::LONGEST);
        }
        let some: Vec<_> = (0..8).map(|_| pauses.next()).collect();
        assert!(some.iter().any(|pause| *pause != some[0]), "{some:?}");
    }
}
