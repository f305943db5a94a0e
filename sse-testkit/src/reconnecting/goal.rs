//! What a connection is read for.

use std::fmt;

use super::cut::Cut;
use crate::frame::Frame;
use crate::parser::Event;
use crate::record::What;
use crate::recorder::{Spot, Verdict};
use crate::stream::EventStream;

#[derive(Debug, Clone)]
pub(super) enum Goal {
    /// To be cut after so many events more.
    Cut(usize, Cut),
    /// So many events more.
    Events(usize),
    End,
    Id(String),
}

/// Why a connection is not read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The goal is reached, and the connection open.
    Open,
    /// Its end was the goal.
    AtTheEnd,
    Ended,
    EndedInMidFrame,
    Failed,
}

impl Goal {
    /// The next cut, or what is to be read after all of them.
    pub(super) fn of(next: Option<(usize, Cut)>, last: &Self) -> Self {
        next.map_or_else(|| last.clone(), |(events, cut)| Self::Cut(events, cut))
    }

    /// In a failure's words.
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Cut(0, Cut::MidFrame) => "an event, to be cut off in it".to_owned(),
            Self::Cut(count, Cut::MidFrame) => {
                format!("another event after {count}, to be cut off in it")
            }
            Self::Cut(0, _) => "to be cut before any event".to_owned(),
            Self::Cut(count, _) => format!("{}, and then to be cut", events(*count)),
            Self::Events(count) => events(*count),
            Self::End => "events and then the end of the stream".to_owned(),
            Self::Id(id) => format!("events up to the one with id {id:?}"),
        }
    }

    /// Whether the event that is so many of the connection's is the last one.
    fn is_reached(&self, count: usize, event: &Event) -> bool {
        match self {
            Self::Events(wanted) => count == *wanted,
            Self::Id(id) => event.id.as_deref() == Some(id),
            Self::Cut(..) | Self::End => false,
        }
    }

    /// What it is to come to an end like this; nothing if that is wrong.
    fn stop(&self, what: &What) -> Option<Stop> {
        match (self, what) {
            (Self::End, What::End { discarded: None }) => Some(Stop::AtTheEnd),
            (Self::End, _) => None,
            (_, What::End { discarded: None }) => Some(Stop::Ended),
            (_, What::End { .. }) => Some(Stop::EndedInMidFrame),
            (_, What::Error(_)) => Some(Stop::Failed),
            _ => None,
        }
    }

    /// What is left of it after so many events.
    pub(super) fn after(self, events: usize) -> Self {
        match self {
            Self::Events(wanted) => Self::Events(wanted.saturating_sub(events)),
            other => other,
        }
    }
}

fn events(count: usize) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} event{plural}")
}

impl Stop {
    pub(super) fn is_goal(self) -> bool {
        matches!(self, Self::Open | Self::AtTheEnd)
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::AtTheEnd => "read to its end",
            Self::Ended => "ended by the server",
            Self::EndedInMidFrame => "ended by the server in mid-frame",
            Self::Failed => "broken off",
        })
    }
}

impl EventStream {
    /// Reads a connection until the goal is reached, or it is over.
    pub(super) async fn read_for(&mut self, spot: Spot, goal: &Goal) -> (Vec<Event>, Stop) {
        if let Goal::Events(0) = goal {
            return (Vec::new(), Stop::Open);
        }
        let expected = goal.expected();
        let (mut count, mut last, mut stop) = (0, None, Stop::Open);
        let judge = |what: &What| match what {
            What::Frame(Frame::Event { event, .. }) => {
                count += 1;
                match goal.is_reached(count, event) {
                    true => {
                        last = Some(event.clone());
                        Verdict::Met(None)
                    }
                    false => Verdict::Met(Some(event.clone())),
                }
            }
            What::Frame(_) => Verdict::Skip,
            _ => match goal.stop(what) {
                Some(reason) => {
                    stop = reason;
                    Verdict::Met(None)
                }
                None => Verdict::Wrong(String::new()),
            },
        };
        let taken = self.recorder.collect_to_end(spot, &expected, judge);
        let mut events = taken.await;
        events.extend(last);
        (events, stop)
    }
}
