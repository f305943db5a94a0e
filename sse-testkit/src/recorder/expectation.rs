//! An expectation under construction: what is to come, and what it has to be like.

use std::fmt;
use std::time::Duration;

use super::{Recorder, Spot, Verdict};
use crate::record::What;

type Check<'a, T> = Box<dyn Fn(&T) -> Result<(), String> + Send + 'a>;

/// Waits for the next `T`; what comes instead is judged before any check.
pub(crate) struct Expectation<'a, T> {
    recorder: &'a mut Recorder,
    spot: Spot,
    expected: String,
    judge: fn(&What) -> Verdict<T>,
    checks: Vec<Check<'a, T>>,
    within: Option<Duration>,
    at_the_end: bool,
}

impl<'a, T> Expectation<'a, T> {
    pub(crate) fn new(
        recorder: &'a mut Recorder,
        spot: Spot,
        expected: impl Into<String>,
        judge: fn(&What) -> Verdict<T>,
    ) -> Self {
        Self {
            recorder,
            spot,
            expected: expected.into(),
            judge,
            checks: Vec::new(),
            within: None,
            at_the_end: false,
        }
    }

    /// Says more about what is expected.
    pub(crate) fn also(mut self, expected: impl AsRef<str>) -> Self {
        self.expected.push_str(", ");
        self.expected.push_str(expected.as_ref());
        self
    }

    pub(crate) fn check(mut self, check: impl Fn(&T) -> Result<(), String> + Send + 'a) -> Self {
        self.checks.push(Box::new(check));
        self
    }

    pub(crate) fn within(mut self, span: Duration) -> Self {
        self.within = Some(span);
        self.also(format!("within {span:?}"))
    }

    /// Nothing but the end of the stream may follow.
    pub(crate) fn at_the_end(mut self) -> Self {
        self.at_the_end = true;
        self
    }

    /// Waits for it; what fails the test names all checks that did not hold.
    pub(crate) async fn wait(self) -> T {
        let (judge, checks) = (self.judge, self.checks);
        let judge = move |what: &What| match judge(what) {
            Verdict::Met(value) => {
                let wrong: Vec<_> = checks.iter().filter_map(|it| it(&value).err()).collect();
                match wrong.is_empty() {
                    true => Verdict::Met(value),
                    false => Verdict::Wrong(wrong.join("\n")),
                }
            }
            other => other,
        };
        let (spot, expected, within) = (self.spot, &self.expected, self.within);
        let value = self.recorder.expect(spot, expected, within, judge).await;
        if self.at_the_end {
            let end = self
                .recorder
                .expect(spot, expected, within, |what| match what {
                    What::End { discarded: None } => Verdict::Met(()),
                    _ => Verdict::Wrong(String::new()),
                });
            end.await;
        }
        value
    }
}

/// Whether the two are equal, in words.
pub(crate) fn equal<A, B>(what: &str, came: &A, wanted: &B) -> Result<(), String>
where
    A: PartialEq<B> + fmt::Debug + ?Sized,
    B: fmt::Debug + ?Sized,
{
    if came == wanted {
        return Ok(());
    }
    Err(format!("{what} is {came:?}, not {wanted:?}"))
}

impl<T> fmt::Debug for Expectation<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expect")
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}
