//! Passing records until an expectation is met, or is not.

use std::time::Duration;

use super::read::{Stuck, Wait};
use super::{Recorder, Spot};
use crate::record::What;

/// What an expectation thinks of a record.
pub(crate) enum Verdict<T> {
    Met(T),
    Skip,
    /// Not as expected; what came is said anyway, this says what is wrong with it.
    Wrong(String),
}

impl<T> Verdict<T> {
    pub(crate) fn map<U>(self, map: impl FnOnce(T) -> U) -> Verdict<U> {
        match self {
            Self::Met(value) => Verdict::Met(map(value)),
            Self::Skip => Verdict::Skip,
            Self::Wrong(problem) => Verdict::Wrong(problem),
        }
    }
}

impl Recorder {
    /// Passes records until one of them meets the expectation, or one does not.
    pub(crate) async fn expect<T>(
        &mut self,
        spot: Spot,
        expected: &str,
        within: Option<Duration>,
        mut judge: impl FnMut(&What) -> Verdict<T>,
    ) -> T {
        let mut wait = self.begin(within).await;
        loop {
            let index = match self.next(&mut wait).await {
                Ok(index) => index,
                Err(stuck) => {
                    let within = within.unwrap_or(self.timeout);
                    self.fail(spot, expected, &self.stuck(stuck, within))
                }
            };
            match judge(&self.records[index].what) {
                Verdict::Met(value) => {
                    self.pass(index);
                    return value;
                }
                Verdict::Skip => self.pass(index),
                Verdict::Wrong(problem) => self.fail_at(spot, expected, index, &problem),
            }
        }
    }

    /// Takes all values of this span of time, or until the stream ends if that is earlier.
    ///
    /// Whatever comes exactly when the time is over is left to the next expectation. A stream that
    /// breaks off fails the test.
    pub(crate) async fn collect_for<T>(
        &mut self,
        spot: Spot,
        expected: &str,
        span: Duration,
        judge: impl Fn(&What) -> Verdict<T>,
    ) -> Vec<T> {
        let mut values = Vec::new();
        let mut wait = self.begin(Some(span)).await;
        loop {
            let index = match self.next_in_time(&mut wait, spot, expected, span).await {
                Some(index) => index,
                None => return values,
            };
            let what = &self.records[index].what;
            if let What::End { .. } = what {
                self.pass(index);
                return values;
            }
            match judge(what) {
                Verdict::Met(value) => values.push(value),
                Verdict::Skip => {}
                Verdict::Wrong(problem) => self.fail_at(spot, expected, index, &problem),
            }
            self.pass(index);
        }
    }

    /// Takes all values up to the one that the judge says is none: the end.
    ///
    /// The time bound is for each of them, a hundred times that for all.
    pub(crate) async fn collect_to_end<T>(
        &mut self,
        spot: Spot,
        expected: &str,
        mut judge: impl FnMut(&What) -> Verdict<Option<T>>,
    ) -> Vec<T> {
        let mut values = Vec::new();
        let mut wait = self.begin(None).await;
        let whole = wait.whole(self.timeout);
        loop {
            let index = match self.next(&mut wait).await {
                Ok(index) => index,
                Err(stuck) => self.fail(spot, expected, &self.stuck(stuck, self.timeout)),
            };
            match judge(&self.records[index].what) {
                Verdict::Met(Some(value)) => {
                    values.push(value);
                    if let Err(stuck) = whole.renew(&mut wait) {
                        self.fail(spot, expected, &self.stuck(stuck, self.timeout));
                    }
                }
                Verdict::Met(None) => {
                    self.pass(index);
                    return values;
                }
                Verdict::Skip => {}
                Verdict::Wrong(problem) => self.fail_at(spot, expected, index, &problem),
            }
            self.pass(index);
        }
    }

    /// The next record of an expectation that lasts for a span of time; nothing if that is over.
    ///
    /// Whatever comes exactly when the time is over is left to the next expectation.
    pub(crate) async fn next_in_time(
        &mut self,
        wait: &mut Wait,
        spot: Spot,
        expected: &str,
        span: Duration,
    ) -> Option<usize> {
        match self.next(wait).await {
            Ok(index) if self.instant(self.records[index].at) >= wait.deadline => None,
            Ok(index) => Some(index),
            Err(Stuck::TimedOut) => None,
            Err(stuck) => self.fail(spot, expected, &self.stuck(stuck, span)),
        }
    }
}
