//! The pauses between attempts to connect.

use std::time::Duration;

use crate::random;

/// Pauses that double, and are spread by chance.
#[derive(Debug)]
pub(super) struct Pauses {
    taken: u32,
}

impl Pauses {
    const FIRST: Duration = Duration::from_millis(100);
    pub(super) const LONGEST: Duration = Duration::from_secs(10);

    pub(super) fn new() -> Self {
        Self { taken: 0 }
    }

    pub(super) fn next(&mut self) -> Duration {
        self.taken = self.taken.saturating_add(1);
        random::backoff(Self::FIRST, Self::LONGEST, self.taken)
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
