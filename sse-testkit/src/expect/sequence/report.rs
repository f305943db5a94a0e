//! A sequence that was not met: all of it, with what came.

use super::pattern::{Kind, Pattern};
use super::thread::{Thread, Threads, Wrong};
use crate::recorder::Recorder;

pub(super) fn expected(patterns: &[Pattern]) -> String {
    let plural = if patterns.len() == 1 { "" } else { "s" };
    format!("a sequence of {} pattern{plural}", patterns.len())
}

/// This record does not fit.
pub(super) fn wrong(
    patterns: &[Pattern],
    wrong: &Wrong,
    recorder: &Recorder,
    index: usize,
) -> String {
    let mut instead = recorder.came(index);
    if !wrong.reason.is_empty() {
        instead.push('\n');
        instead.push_str(&wrong.reason);
    }
    Report { patterns, recorder }.text(&wrong.thread, &instead)
}

/// Nothing more came.
pub(super) fn stuck(
    patterns: &[Pattern],
    threads: &Threads<'_>,
    recorder: &Recorder,
    problem: &str,
) -> String {
    match threads.best() {
        Some(thread) => Report { patterns, recorder }.text(thread, problem),
        None => problem.to_owned(),
    }
}

struct Report<'a> {
    patterns: &'a [Pattern],
    recorder: &'a Recorder,
}

const MET: &str = "\u{2713}";
const NOT_MET: &str = "\u{2717}";

impl Report<'_> {
    fn text(&self, thread: &Thread, instead: &str) -> String {
        let at = thread.next(self.patterns);
        let mut text = format!("pattern {} is not met", at + 1);
        for (step, pattern) in self.patterns.iter().enumerate() {
            let is_number = matches!(pattern.kind, Kind::AnyNumber);
            let mark = match () {
                () if step < at => MET,
                () if step == at => NOT_MET,
                () => " ",
            };
            let number = step + 1;
            text.push_str(&format!("\n{mark} {number:>2}  {}", pattern.expected()));
            if is_number && step < at {
                text.push_str(&format!("\n       {} of them", thread.skipped[step]));
            }
            self.met(&mut text, thread, step, pattern);
            if step == at {
                indented(&mut text, instead);
            }
        }
        text
    }

    fn met(&self, text: &mut String, thread: &Thread, step: usize, pattern: &Pattern) {
        let group = match &pattern.kind {
            Kind::InAnyOrder(patterns) => patterns,
            _ => {
                for index in thread.met.get(step).into_iter().flatten().flatten() {
                    indented(text, &self.record(*index));
                }
                return;
            }
        };
        let current = thread.group.as_ref().filter(|_| step == thread.step);
        let found = |place: usize| match (thread.met.get(step), current) {
            (Some(met), _) => met.get(place).copied().flatten(),
            (None, Some((places, records))) => places.places()[place].map(|thing| records[thing]),
            (None, None) => None,
        };
        for (place, pattern) in group.iter().enumerate() {
            let found = found(place);
            let mark = if found.is_some() { MET } else { " " };
            text.push_str(&format!("\n     {mark} {}", pattern.expected()));
            if let Some(index) = found {
                indented(text, &format!("  {}", self.record(index)));
            }
        }
    }

    fn record(&self, index: usize) -> String {
        let record = &self.recorder.records()[index];
        let at = format!("+{} ", crate::transcript::time(record.at));
        let below = format!("\n{}", " ".repeat(at.len()));
        at + &crate::transcript::line(&record.what).replace('\n', &below)
    }
}

fn indented(text: &mut String, more: &str) {
    for line in more.lines() {
        text.push_str("\n       ");
        text.push_str(line.trim_end());
    }
}
