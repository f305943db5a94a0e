//! Matching a sequence while it comes.
//!
//! Where any number of events may come first, an event may be one of them or meet the next pattern,
//! and which it is only shows later. So both are followed, as the states of a regular expression
//! are: the sequence is met when one of them is through, and fails when none is left.

use std::time::Duration;

use super::pattern::{Kind, Pattern};
use crate::assignment::Assignment;
use crate::frame::Frame;
use crate::parser::Event;
use crate::record::{Record, What};

/// All ways to read what has come so far.
pub(super) struct Threads<'p> {
    patterns: &'p [Pattern],
    threads: Vec<Thread>,
}

/// One way to read it.
#[derive(Debug, Clone)]
pub(super) struct Thread {
    /// The pattern that is next.
    pub(super) step: usize,
    /// Which records met the patterns before: those of a group in its own order.
    pub(super) met: Vec<Vec<Option<usize>>>,
    /// How many events each pattern for any number has taken.
    pub(super) skipped: Vec<usize>,
    /// The group that is being met, and its records in the order they came.
    pub(super) group: Option<(Assignment, Vec<usize>)>,
    /// When the pattern before was met.
    last: Duration,
}

pub(super) enum Outcome {
    Goes,
    Wrong(Wrong),
}

/// Why the way that came furthest ends here.
pub(super) struct Wrong {
    pub(super) thread: Thread,
    pub(super) reason: String,
}

impl Wrong {
    fn also(&mut self, reason: &str) {
        if !self.reason.is_empty() {
            self.reason.push('\n');
        }
        self.reason.push_str(reason);
    }
}

impl<'p> Threads<'p> {
    pub(super) fn new(patterns: &'p [Pattern], now: Duration) -> Self {
        let first = Thread {
            step: 0,
            met: Vec::new(),
            skipped: vec![0; patterns.len()],
            group: None,
            last: now,
        };
        Self {
            patterns,
            threads: vec![first],
        }
    }

    pub(super) fn is_met(&self) -> bool {
        self.threads
            .iter()
            .any(|thread| thread.next(self.patterns) >= self.patterns.len())
    }

    /// The one that came furthest.
    pub(super) fn best(&self) -> Option<&Thread> {
        best(&self.threads)
    }

    /// Until when to wait for what is next, where the last event came at `last`: as long as one of
    /// the ways has time.
    pub(super) fn until(&self, last: Duration, timeout: Duration) -> Duration {
        let until = self.threads.iter().filter_map(|thread| {
            let pattern = self.patterns.get(thread.next(self.patterns))?;
            Some(pattern.until(thread.last, last.max(thread.last), timeout))
        });
        until.max().unwrap_or(last)
    }

    /// Whether the one that came furthest waits for what has a time of its own.
    pub(super) fn is_bounded(&self) -> bool {
        let next = self.best().map(|thread| thread.next(self.patterns));
        let next = next.and_then(|next| self.patterns.get(next));
        next.is_some_and(|pattern| pattern.any(&|it| it.within.is_some()))
    }

    /// Takes the next record.
    pub(super) fn next(&mut self, index: usize, record: &Record) -> Outcome {
        let mut next: Vec<Thread> = Vec::new();
        let mut wrong: Vec<Wrong> = Vec::new();
        for thread in std::mem::take(&mut self.threads) {
            let mut step = Step {
                patterns: self.patterns,
                index,
                at: record.at,
                next: &mut next,
                wrong: &mut wrong,
            };
            match &record.what {
                What::Frame(Frame::Event { event, .. }) => step.event(thread, event),
                What::Frame(Frame::Comment { .. }) => step.heartbeat(thread),
                What::Frame(Frame::Id { comments, .. }) if !comments.is_empty() => {
                    step.heartbeat(thread);
                }
                What::Frame(_) => step.keep(thread),
                What::End { discarded: None } => step.end(thread),
                _ => step.fail(thread, String::new()),
            }
        }
        if next.is_empty() {
            let furthest = wrong.into_iter().reduce(|best, it| {
                if it.thread.progress() > best.thread.progress() {
                    it
                } else {
                    best
                }
            });
            if let Some(wrong) = furthest {
                return Outcome::Wrong(wrong);
            }
        }
        self.threads = next;
        Outcome::Goes
    }
}

impl Thread {
    /// The next pattern that has to be met by something.
    pub(super) fn next(&self, patterns: &[Pattern]) -> usize {
        let rest = patterns.iter().skip(self.step);
        self.step + rest.take_while(|it| it.is_optional()).count()
    }

    fn progress(&self) -> (usize, usize) {
        let group = self.group.as_ref().map_or(0, |(_, records)| records.len());
        (self.step, group)
    }

    /// The pattern at this step is met by this record, or these.
    fn advance(mut self, step: usize, met: Vec<Option<usize>>, at: Duration) -> Self {
        self.met.resize(step, Vec::new());
        self.met.push(met);
        self.step = step + 1;
        self.group = None;
        self.last = at;
        self
    }

    /// Whether the two have the same future.
    fn is_like(&self, other: &Self, patterns: &[Pattern]) -> bool {
        let next = self.next(patterns);
        let mut now = patterns.iter().take(next + 1).skip(self.step);
        self.step == other.step
            && self.group == other.group
            && (self.last == other.last || !now.any(Pattern::is_timed))
    }
}

impl Pattern {
    fn is_timed(&self) -> bool {
        self.any(&|it| it.within.is_some() || it.after.is_some())
    }

    /// Whether this holds for it or for one of its group.
    fn any(&self, holds: &dyn Fn(&Self) -> bool) -> bool {
        let of_group = match &self.kind {
            Kind::InAnyOrder(patterns) => patterns.iter().any(holds),
            Kind::Event | Kind::AnyNumber | Kind::Heartbeat | Kind::End => false,
        };
        of_group || holds(self)
    }
}

/// One record, as the threads see it.
struct Step<'a> {
    patterns: &'a [Pattern],
    index: usize,
    at: Duration,
    next: &'a mut Vec<Thread>,
    wrong: &'a mut Vec<Wrong>,
}

impl Step<'_> {
    fn event(&mut self, thread: Thread, event: &Event) {
        let target = thread.next(self.patterns);
        let since = self.at.saturating_sub(thread.last);
        let is_too_late = self.is_too_late(&thread, target);
        // The least is taken first: of two that are alike the earlier one is kept.
        let before = self.wrong.len();
        self.meet(thread.clone(), target, event);
        for step in thread.step..target {
            let pattern = &self.patterns[step];
            if !matches!(pattern.kind, Kind::AnyNumber) || is_too_late {
                continue;
            }
            match both(pattern.fits(event), pattern.is_in_time(since)) {
                Ok(()) => {
                    let mut thread = thread.clone();
                    thread.step = step;
                    thread.skipped[step] += 1;
                    self.keep(thread);
                }
                Err(reason) => {
                    let number = step + 1;
                    for wrong in &mut self.wrong[before..] {
                        wrong.also(&format!("pattern {number} does not take it: {reason}"));
                    }
                }
            }
        }
    }

    /// Tries the event on this pattern.
    fn meet(&mut self, thread: Thread, step: usize, event: &Event) {
        let Some(pattern) = self.patterns.get(step) else {
            return;
        };
        let since = self.at.saturating_sub(thread.last);
        match &pattern.kind {
            Kind::InAnyOrder(patterns) => {
                let fits = |it: &Pattern| {
                    let takes_events = matches!(it.kind, Kind::Event);
                    match takes_events {
                        true => it.fits(event).and_then(|()| it.is_in_time(since)),
                        false => Err("it is an event".to_owned()),
                    }
                };
                let fits: Vec<_> = patterns.iter().map(fits).collect();
                self.add_to_group(thread, step, pattern.is_in_time(since), &fits);
            }
            Kind::Event => match both(pattern.fits(event), pattern.is_in_time(since)) {
                Ok(()) => self.keep(thread.advance(step, vec![Some(self.index)], self.at)),
                Err(reason) => self.fail(thread, reason),
            },
            Kind::Heartbeat | Kind::End | Kind::AnyNumber => self.fail(thread, String::new()),
        }
    }

    fn heartbeat(&mut self, thread: Thread) {
        let target = thread.next(self.patterns);
        let since = self.at.saturating_sub(thread.last);
        // It may also be one of those that come in between.
        let is_between = target > thread.step;
        match self.patterns.get(target).map(|it| (it, &it.kind)) {
            Some((pattern, Kind::Heartbeat)) => {
                let met = thread.clone();
                match pattern.is_in_time(since) {
                    Ok(()) => self.keep(met.advance(target, vec![Some(self.index)], self.at)),
                    Err(reason) => self.fail(met, reason),
                }
                if is_between {
                    self.keep(thread);
                }
            }
            Some((pattern, Kind::InAnyOrder(patterns))) => {
                let fits = |it: &Pattern| match it.kind {
                    Kind::Heartbeat => it.is_in_time(since),
                    _ => Err(String::new()),
                };
                let fits: Vec<_> = patterns.iter().map(fits).collect();
                let fits_one = fits.iter().any(Result::is_ok) && pattern.is_in_time(since).is_ok();
                if fits_one {
                    self.add_to_group(thread.clone(), target, Ok(()), &fits);
                }
                if is_between || !fits_one {
                    self.keep(thread);
                }
            }
            _ => self.keep(thread),
        }
    }

    fn end(&mut self, thread: Thread) {
        let target = thread.next(self.patterns);
        let since = self.at.saturating_sub(thread.last);
        match self.patterns.get(target) {
            Some(pattern) if matches!(pattern.kind, Kind::End) => match pattern.is_in_time(since) {
                Ok(()) => self.keep(thread.advance(target, vec![Some(self.index)], self.at)),
                Err(reason) => self.fail(thread, reason),
            },
            _ => self.fail(thread, String::new()),
        }
    }

    /// Gives what came one of the places that it fits.
    fn add_to_group(
        &mut self,
        mut thread: Thread,
        step: usize,
        in_time: Result<(), String>,
        fits: &[Result<(), String>],
    ) {
        let group = thread.group.clone();
        let (mut places, mut records) =
            group.unwrap_or_else(|| (Assignment::new(fits.len()), Vec::new()));
        let found = in_time.is_ok() && places.add(fits.iter().map(Result::is_ok).collect());
        if !found {
            let reason = match in_time {
                Err(late) => late,
                Ok(()) => self.why_no_place(step, &places, fits),
            };
            return self.fail(thread, reason);
        }
        records.push(self.index);
        if places.is_full() {
            let met = places.places().iter();
            let met = met.map(|place| place.map(|thing| records[thing])).collect();
            return self.keep(thread.advance(step, met, self.at));
        }
        thread.step = step;
        thread.group = Some((places, records));
        self.keep(thread);
    }

    fn why_no_place(
        &self,
        step: usize,
        places: &Assignment,
        fits: &[Result<(), String>],
    ) -> String {
        let Kind::InAnyOrder(patterns) = &self.patterns[step].kind else {
            return String::new();
        };
        let mut text = "it is none of those that are left:".to_owned();
        let rows = patterns.iter().zip(places.places()).zip(fits);
        for ((pattern, _), fits) in rows.filter(|((_, place), _)| place.is_none()) {
            let reason = match fits {
                Err(reason) => reason.replace('\n', "\n    "),
                Ok(()) => "it is needed for another one".to_owned(),
            };
            text.push_str(&format!("\n  {}: {reason}", pattern.expected()));
        }
        text
    }

    fn is_too_late(&self, thread: &Thread, target: usize) -> bool {
        let within = self.patterns.get(target).and_then(|pattern| pattern.within);
        within.is_some_and(|within| self.at.saturating_sub(thread.last) > within)
    }

    fn keep(&mut self, thread: Thread) {
        let is_known = self
            .next
            .iter()
            .any(|it| it.is_like(&thread, self.patterns));
        if !is_known {
            self.next.push(thread);
        }
    }

    fn fail(&mut self, thread: Thread, reason: String) {
        self.wrong.push(Wrong { thread, reason });
    }
}

fn both(one: Result<(), String>, other: Result<(), String>) -> Result<(), String> {
    match (one, other) {
        (Err(one), Err(other)) => Err(format!("{one}\n{other}")),
        (one, other) => one.and(other),
    }
}

fn best(threads: &[Thread]) -> Option<&Thread> {
    threads.iter().reduce(|best, it| {
        if it.progress() > best.progress() {
            it
        } else {
            best
        }
    })
}
