//! Ending the test, with all that helps to understand why.

use std::borrow::Cow;
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
        let expected = shortened(expected);
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

/// How much of a line, and of how many of them, a person looks at.
const LONG: usize = 1000;
const MANY: usize = 120;

/// Indents all lines but the first, and none that is empty. Of very long texts the middle is left
/// out.
fn indent(text: &str, width: usize) -> String {
    let indent = " ".repeat(width);
    let lines: Vec<_> = text.trim_end().lines().collect();
    let surplus = lines.len().saturating_sub(MANY);
    let hidden = MANY / 2..MANY / 2 + surplus;
    let mut shown = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        if surplus > 0 && number == hidden.start {
            shown.push(format!("{indent}... ({surplus} more lines)"));
        }
        if !hidden.contains(&number) {
            let indent = if number == 0 || line.is_empty() {
                ""
            } else {
                &indent
            };
            shown.push(format!("{indent}{}", shortened(line)));
        }
    }
    shown.join("\n")
}

fn shortened(line: &str) -> Cow<'_, str> {
    match line.char_indices().nth(LONG) {
        None => line.into(),
        Some((at, _)) => {
            let more = line[at..].chars().count();
            format!("{} ... ({more} more characters)", &line[..at]).into()
        }
    }
}
