//! What a test can say about a stream.

mod collect;
mod event;
mod frames;
pub(crate) mod head;
mod json;
mod quiet;
pub(crate) mod spot;
mod tagged;

use std::time::Duration;

pub use self::event::ExpectEvent;
use self::spot::Spot;
use crate::EventStream;
use crate::clock::Clock;
use crate::record::What;
use crate::stream::Stuck;

/// What an expectation thinks of a record.
pub(crate) enum Verdict<T> {
    Met(T),
    Skip,
    /// Not as expected; what came is said anyway, this says what is wrong with it.
    Wrong(String),
}

impl EventStream {
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
                    let within = within.unwrap_or(self.timeout());
                    self.fail(spot, expected, &self.stuck(stuck, within))
                }
            };
            match judge(&self.record_at(index).what) {
                Verdict::Met(value) => {
                    self.pass(index);
                    return value;
                }
                Verdict::Skip => self.pass(index),
                Verdict::Wrong(problem) => self.fail_at(spot, expected, index, &problem),
            }
        }
    }

    /// Fails because of this record.
    pub(crate) fn fail_at(&self, spot: Spot, expected: &str, index: usize, problem: &str) -> ! {
        let record = self.record_at(index);
        let mut text = match &record.what {
            What::Plain(_) => "the response is not an event stream".to_owned(),
            What::End { discarded: Some(_) } => "the stream ended inside a block".to_owned(),
            What::End { .. } => "the stream ended".to_owned(),
            What::Error(error) => format!("the stream failed: {error}"),
            What::Closed => "the test has closed the stream".to_owned(),
            what => format!("got {}", crate::transcript::line(what)),
        };
        if !problem.is_empty() {
            text.push('\n');
            text.push_str(problem);
        }
        self.fail(spot, expected, &text)
    }

    pub(crate) fn stuck(&self, stuck: Stuck, within: Duration) -> String {
        match stuck {
            Stuck::TimedOut => {
                format!(
                    "nothing of the kind came within {within:?}{}",
                    self.time_hint()
                )
            }
            Stuck::NeverPauses => "the stream sends without end and without pause".to_owned(),
        }
    }

    /// What to think of when a wait was too short.
    pub(crate) fn time_hint(&self) -> &'static str {
        match self.clock() {
            Clock::Virtual => {
                " of paused time (a service that does I/O or runs processes needs `.real_time()`)"
            }
            Clock::Real => " of real time",
        }
    }
}
