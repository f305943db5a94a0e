use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

/// The numbers of one limit.
///
/// Relaxed throughout: each number stands for itself, no other memory is handed over with it.
pub(super) struct Counts {
    max: Option<usize>,
    current: AtomicUsize,
    peak: AtomicUsize,
    rejected: AtomicU64,
}

impl Counts {
    pub(super) const fn new(max: Option<usize>) -> Self {
        Self {
            max,
            current: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            rejected: AtomicU64::new(0),
        }
    }

    pub(super) fn max(&self) -> Option<usize> {
        self.max
    }

    pub(super) fn current(&self) -> usize {
        self.current.load(Relaxed)
    }

    pub(super) fn peak(&self) -> usize {
        self.peak.load(Relaxed)
    }

    pub(super) fn rejected(&self) -> u64 {
        self.rejected.load(Relaxed)
    }

    pub(super) fn reject(&self) {
        self.rejected.fetch_add(1, Relaxed);
    }

    /// Counts one more, or answers the maximum that is reached.
    pub(super) fn acquire(self: &Arc<Self>) -> Result<CountPermit, usize> {
        let max = self.max.unwrap_or(usize::MAX);
        let before = self
            .current
            .fetch_update(Relaxed, Relaxed, |current| {
                (current < max).then_some(current + 1)
            })
            .map_err(|_| max)?;
        self.peak.fetch_max(before + 1, Relaxed);
        Ok(CountPermit(Arc::clone(self)))
    }
}

/// One open stream in the count.
pub(crate) struct CountPermit(Arc<Counts>);

impl Drop for CountPermit {
    fn drop(&mut self) {
        self.0.current.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn permits_run_out_and_come_back() {
        let counts = Arc::new(Counts::new(Some(2)));
        let one = counts.acquire().ok().unwrap();
        let _two = counts.acquire().ok().unwrap();
        assert_eq!(counts.acquire().err(), Some(2));
        drop(one);
        assert_eq!(counts.current(), 1);
        assert!(counts.acquire().is_ok());
        assert_eq!(counts.peak(), 2);
    }

    #[test]
    fn threads_never_get_more_than_the_maximum() {
        let counts = Arc::new(Counts::new(Some(3)));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10_000 {
                        if let Ok(_permit) = counts.acquire() {
                            assert!(counts.current() <= 3);
                        }
                    }
                });
            }
        });
        assert_eq!(counts.current(), 0);
        assert!(counts.peak() <= 3);
    }
}
