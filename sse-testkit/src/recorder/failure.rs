//! Ending the test, with all that helps to understand why.

use std::time::Duration;

use super::{Recorder, Spot, Stuck};
use crate::clock::Clock;
use crate::record::What;
use crate::transcript::Transcript;

impl Recorder {
    /// Ends the test.
    pub(crate) fn fail(&self, spot: Spot, expected: &str, problem: &str) -> ! {
        let transcript = Transcript::new(self.records.clone()).last(40);
        let transcript = transcript.to_string();
        let (problem, transcript) = (indent(problem, 10), indent(&transcript, 4));
        panic!(
            "{spot}: the stream is not as expected\n\
             expected: {expected}\n\
             but:      {problem}\n\
             received so far:\n    {transcript}\n"
        )
    }

    /// Ends the test because of this record.
    pub(crate) fn fail_at(&self, spot: Spot, expected: &str, index: usize, problem: &str) -> ! {
        let mut text = self.came(index);
        if !problem.is_empty() {
            text.push('\n');
            text.push_str(problem);
        }
        self.fail(spot, expected, &text)
    }

    /// What came, in a failure's words.
    pub(crate) fn came(&self, index: usize) -> String {
        match &self.records[index].what {
            What::Plain(_) => format!("the response is not {}", self.protocol),
            What::End { discarded: Some(_) } => "the stream ended inside a block".to_owned(),
            What::End { .. } => "the stream ended".to_owned(),
            What::Error(error) => format!("the stream failed: {error}"),
            What::Closed => "the test has closed the stream".to_owned(),
            what => format!("got {}", crate::transcript::line(what)),
        }
    }

    pub(crate) fn stuck(&self, stuck: Stuck, within: Duration) -> String {
        match stuck {
            Stuck::TimedOut => {
                format!(
                    "nothing of the kind came within {within:?}{}",
                    self.time_hint()
                )
            }
            Stuck::NeverEnds => {
                format!("the stream still sends after a hundred times {within:?}")
            }
            Stuck::NeverPauses => "the stream sends without end and without pause".to_owned(),
        }
    }

    /// What to think of when a wait was too short.
    pub(super) fn time_hint(&self) -> &'static str {
        match self.clock {
            Clock::Virtual => {
                " of paused time (a service that does I/O or runs processes needs `.real_time()`)"
            }
            Clock::Real => " of real time",
        }
    }
}

/// Indents all lines but the first, and none that is empty.
fn indent(text: &str, width: usize) -> String {
    let indent = " ".repeat(width);
    let lines = text.trim_end().lines().enumerate().map(|(number, line)| {
        match number == 0 || line.is_empty() {
            true => line.to_owned(),
            false => format!("{indent}{line}"),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}
