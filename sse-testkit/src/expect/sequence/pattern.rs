//! What [`expect_sequence`](crate::EventStream::expect_sequence) is made of.
//!
//! | pattern | is met by |
//! |---|---|
//! | `event(name)`, `message()`, `any_event()`, `tagged(&value)` | one event |
//! | `any_number_of_events()` | as many events as come before what meets the next pattern |
//! | `in_any_order([..])` | one event for each pattern in it |
//! | `heartbeat()` | a comment by itself |
//! | `end()` | the clean end of the stream |
//!
//! What is said of an event, such as its [data](Pattern::json_partial), is said of each that the
//! pattern stands for: `any_number_of_events().no_id()` is any number of events without an id.
//! Nothing can be said of a heartbeat or of the end but when it comes.

use std::time::Duration;

use serde::Serialize;

use crate::expect::check::Check;
use crate::expect::tagged as variant;
use crate::parser::Event;

/// One step of a sequence.
#[derive(Debug, Clone)]
#[must_use = "a sequence is made of it"]
pub struct Pattern {
    pub(super) kind: Kind,
    pub(super) checks: Vec<Check>,
    pub(super) within: Option<Duration>,
    pub(super) after: Option<Duration>,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Event,
    AnyNumber,
    InAnyOrder(Vec<Pattern>),
    Heartbeat,
    End,
}

/// An event with this name.
pub fn event(name: impl Into<String>) -> Pattern {
    Pattern::new(Kind::Event).also(Check::name(name.into()))
}

/// An event without a name, which is to say `message`.
pub fn message() -> Pattern {
    Pattern::new(Kind::Event).also(Check::no_name())
}

/// One event, whatever it is.
pub fn any_event() -> Pattern {
    Pattern::new(Kind::Event)
}

/// An event that is this value of an externally tagged enum: its variant is the event's name, what
/// the variant holds is the data.
pub fn tagged<E: Serialize + ?Sized>(value: &E) -> Pattern {
    let pattern = match variant::split(value) {
        Ok((name, _)) => event(name),
        Err(_) => any_event(),
    };
    pattern.also(Check::tagged(value))
}

/// Events, whatever they are, until one meets the next pattern; none is fine.
pub fn any_number_of_events() -> Pattern {
    Pattern::new(Kind::AnyNumber)
}

/// One event for each of these, in any order.
///
/// An event that meets several of them stands for the one that lets the others find theirs. A group
/// of none is met by nothing.
///
/// # Panics
///
/// If one of them is neither for one event nor for a heartbeat.
#[track_caller]
pub fn in_any_order(patterns: impl IntoIterator<Item = Pattern>) -> Pattern {
    let patterns: Vec<_> = patterns.into_iter().collect();
    for pattern in &patterns {
        match pattern.kind {
            Kind::Event | Kind::Heartbeat => {}
            Kind::AnyNumber | Kind::InAnyOrder(_) | Kind::End => panic!(
                "a group has a place for each event or heartbeat that it is of, and none for {}",
                pattern.expected()
            ),
        }
    }
    Pattern::new(Kind::InAnyOrder(patterns))
}

/// A heartbeat: a comment by itself, or one with an id but without data. The opening is none.
pub fn heartbeat() -> Pattern {
    Pattern::new(Kind::Heartbeat)
}

/// The end of the stream: not an error, and not inside a block.
pub fn end() -> Pattern {
    Pattern::new(Kind::End)
}

impl Pattern {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            checks: Vec::new(),
            within: None,
            after: None,
        }
    }

    /// With this data, as it stands.
    #[track_caller]
    pub fn text(self, data: impl Into<String>) -> Self {
        self.also(Check::text(data.into()))
    }

    /// With data that is this value as JSON; it may have [wildcards](crate::json) in it.
    #[track_caller]
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        self.also(Check::json(value))
    }

    /// With data that is JSON and has at least what this value has, as
    /// [`ExpectEvent::json_partial`](crate::ExpectEvent::json_partial) has it.
    #[track_caller]
    pub fn json_partial<T: Serialize + ?Sized>(self, value: &T) -> Self {
        self.also(Check::json_partial(value))
    }

    /// With an id of its own, and this one.
    #[track_caller]
    pub fn id(self, id: impl Into<String>) -> Self {
        self.also(Check::id(id.into()))
    }

    /// Without an id of its own.
    #[track_caller]
    pub fn no_id(self) -> Self {
        self.also(Check::no_id())
    }

    /// With a reconnection time in its block.
    #[track_caller]
    pub fn retry(self, retry: Duration) -> Self {
        self.also(Check::retry(retry))
    }

    /// With data for which this holds.
    #[track_caller]
    pub fn data_with(self, holds: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.also(Check::new(
            "data as the test wants it",
            move |event| match holds(&event.data) {
                true => Ok(()),
                false => Err("its data is not as the test wants it".to_owned()),
            },
        ))
    }

    /// Not later than this after what met the pattern before, be there any number of events in
    /// between. For the first one it counts from the beginning of the sequence, for each event of
    /// [`in_any_order`] or [`any_number_of_events`] from what came before them all.
    ///
    /// It is waited for as long as that, be it more or less than the stream's
    /// [timeout](crate::RequestBuilder::timeout).
    pub fn within(mut self, span: Duration) -> Self {
        self.within = Some(span);
        self
    }

    /// Not earlier than this after what met the pattern before; else like [`within`](Self::within).
    pub fn after(mut self, at_least: Duration) -> Self {
        self.after = Some(at_least);
        self
    }

    #[track_caller]
    fn also(mut self, check: Check) -> Self {
        match &mut self.kind {
            Kind::InAnyOrder(patterns) => {
                for pattern in patterns {
                    if let Kind::Event = pattern.kind {
                        pattern.checks.push(check.clone());
                    }
                }
            }
            Kind::Event | Kind::AnyNumber => self.checks.push(check),
            Kind::Heartbeat | Kind::End => panic!(
                "{} has no data, no id and no retry, so it can't be expected with {}",
                self.expected(),
                check.expected
            ),
        }
        self
    }

    /// Whether it may be met by nothing, and is passed over by what meets the next one.
    pub(super) fn is_optional(&self) -> bool {
        match &self.kind {
            Kind::AnyNumber => true,
            Kind::InAnyOrder(patterns) => patterns.is_empty(),
            Kind::Event | Kind::Heartbeat | Kind::End => false,
        }
    }

    /// Until when to wait for it, where the pattern before was met at `met`, and what came last came
    /// at `last`.
    pub(super) fn until(&self, met: Duration, last: Duration, timeout: Duration) -> Duration {
        if let Some(within) = self.within {
            return met.saturating_add(within);
        }
        let earliest = met.saturating_add(self.after.unwrap_or_default());
        let usual = last.max(earliest).saturating_add(timeout);
        match &self.kind {
            Kind::InAnyOrder(patterns) => {
                let each = patterns.iter().map(|it| it.until(earliest, last, timeout));
                each.max().unwrap_or(usual)
            }
            Kind::Event | Kind::AnyNumber | Kind::Heartbeat | Kind::End => usual,
        }
    }

    /// Whether an event is as it should be; `Err` says all that is wrong with it.
    pub(super) fn fits(&self, event: &Event) -> Result<(), String> {
        let wrong = self
            .checks
            .iter()
            .filter_map(|check| check.holds(event).err());
        let wrong: Vec<_> = wrong.collect();
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong.join("\n")),
        }
    }

    /// Whether it is in time, so long after what came before.
    pub(super) fn is_in_time(&self, since: Duration) -> Result<(), String> {
        if let Some(after) = self.after.filter(|after| since < *after) {
            return Err(format!(
                "it came {since:?} after the one before, not {after:?} or more"
            ));
        }
        if let Some(within) = self.within.filter(|within| since > *within) {
            return Err(format!(
                "it came {since:?} after the one before, not within {within:?}"
            ));
        }
        Ok(())
    }

    /// In a failure's words.
    pub(super) fn expected(&self) -> String {
        let mut words = match &self.kind {
            Kind::Event if self.checks.is_empty() => vec!["any event".to_owned()],
            Kind::Event => Vec::new(),
            Kind::AnyNumber => vec!["any number of events".to_owned()],
            Kind::InAnyOrder(_) => vec!["in any order".to_owned()],
            Kind::Heartbeat => vec!["a heartbeat".to_owned()],
            Kind::End => vec!["the end of the stream".to_owned()],
        };
        words.extend(self.checks.iter().map(|check| check.expected.clone()));
        words.extend(
            self.after
                .map(|after| format!("{after:?} or more after the one before")),
        );
        words.extend(self.within.map(|within| format!("within {within:?}")));
        words.join(", ")
    }
}
