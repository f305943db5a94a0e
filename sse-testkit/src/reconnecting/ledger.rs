//! What a client has seen over all of its connections, and what that should have been.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::parser::Event;
use crate::recorder::Spot;
use crate::transcript::{Transcript, token};

/// What a [`reconnecting`](super::reconnecting) client saw, connection by connection.
///
/// As text it is a line for each connection, made for a snapshot.
#[derive(Debug, Clone)]
#[must_use = "it tells what was lost"]
pub struct Ledger {
    lives: Vec<Life>,
    transcript: Transcript,
}

/// One connection.
#[derive(Debug, Clone)]
pub(super) struct Life {
    /// The `Last-Event-ID` that was sent.
    sent: String,
    events: Vec<Event>,
    /// How it ended.
    end: String,
}

/// How many ids a line shows.
const SHOWN: usize = 12;

impl Life {
    pub(super) fn new(sent: String, events: Vec<Event>, end: String) -> Self {
        Self { sent, events, end }
    }
}

impl Ledger {
    pub(super) fn new(lives: Vec<Life>, transcript: Transcript) -> Self {
        Self { lives, transcript }
    }

    /// All events, in the order they came.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.lives.iter().flat_map(|life| &life.events)
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.lives.len()
    }

    /// All that came, over all connections.
    pub fn transcript(&self) -> Transcript {
        self.transcript.clone()
    }

    /// The ids that came more than once.
    pub fn doubled(&self) -> Vec<&str> {
        let mut seen = HashMap::new();
        let mut doubled = Vec::new();
        for (_, id) in self.ids() {
            let count = seen.entry(id).or_insert(0_usize);
            *count += 1;
            if *count == 2 {
                doubled.push(id);
            }
        }
        doubled
    }

    /// Those of these ids that never came.
    pub fn lost<T: ToString>(&self, ids: impl IntoIterator<Item = T>) -> Vec<String> {
        let seen: HashSet<_> = self.ids().map(|(_, id)| id).collect();
        let ids = ids.into_iter().map(|id| id.to_string());
        ids.filter(|id| !seen.contains(&**id)).collect()
    }

    /// Expects that each of these ids came once, in this order, and no other one.
    ///
    /// Only ids of an event's own count. `expect_ids(1..=9)` is fine. One that several events share
    /// is expected as often as it is given.
    ///
    /// # Panics
    ///
    /// If one was lost, doubled, came out of order or is not among them, with where that happened.
    #[track_caller]
    pub fn expect_ids<T: ToString>(&self, ids: impl IntoIterator<Item = T>) -> &Self {
        let wanted: Vec<_> = ids.into_iter().map(|id| id.to_string()).collect();
        self.settle(Spot::here(), &wanted);
        self
    }

    /// Expects the same events as another client saw, such as one that was never cut: with the same
    /// ids, names and data, in the same order.
    ///
    /// # Panics
    ///
    /// If they differ.
    #[track_caller]
    pub fn expect_same_as(&self, witness: &[Event]) -> &Self {
        let spot = Spot::here();
        let wanted = witness.iter().filter_map(|event| event.id.clone());
        self.settle(spot, &wanted.collect::<Vec<_>>());
        let mut pairs = self.events().zip(witness).enumerate();
        let differs = pairs.find(|(_, (came, wanted))| {
            (&came.id, &came.event, &came.data) != (&wanted.id, &wanted.event, &wanted.data)
        });
        if let Some((index, (came, wanted))) = differs {
            let number = index + 1;
            panic!(
                "{spot}: the client has not seen what the other one saw\n\
                 event {number}: {}\n\
                 not:     {}\n\n{self}",
                said(came),
                said(wanted),
            );
        }
        let (count, other) = (self.events().count(), witness.len());
        if count != other {
            panic!(
                "{spot}: the client has not seen what the other one saw\n\
                 it saw {count} events, the other one {other}\n\n{self}"
            );
        }
        self
    }

    /// Expects that no id came twice.
    ///
    /// # Panics
    ///
    /// If one did.
    #[track_caller]
    pub fn expect_none_doubled(&self) -> &Self {
        let mut known = HashSet::new();
        let ids = self.ids().map(|(_, id)| id);
        let wanted: Vec<_> = ids
            .filter(|id| known.insert(*id))
            .map(str::to_owned)
            .collect();
        self.settle(Spot::here(), &wanted);
        self
    }

    /// Each id, with the number of its connection.
    fn ids(&self) -> impl Iterator<Item = (usize, &str)> {
        let lives = self.lives.iter().enumerate();
        lives.flat_map(|(index, life)| {
            let ids = life.events.iter().filter_map(|event| event.id.as_deref());
            ids.map(move |id| (index + 1, id))
        })
    }

    /// Each of these has to have come, as often as it is here, in this order.
    fn settle(&self, spot: Spot, wanted: &[String]) {
        if self.ids().map(|(_, id)| id).eq(wanted) {
            return;
        }
        let mut seen: HashMap<&str, Vec<usize>> = HashMap::new();
        for (connection, id) in self.ids() {
            seen.entry(id).or_default().push(connection);
        }
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, id) in wanted.iter().enumerate() {
            places.entry(id).or_default().push(place);
        }
        let mut rows = self.missing(wanted, &seen);
        for id in self.doubled() {
            let connections = seen.get(id).map_or(&[][..], |it| it);
            if connections.len() > places.get(id).map_or(1, Vec::len) {
                let connections = listed(connections);
                rows.push(format!("doubled:      #{} ({connections})", token(id)));
            }
        }
        let mut last: Option<(usize, &str)> = None;
        let mut came: HashMap<&str, usize> = HashMap::new();
        for (connection, id) in self.ids() {
            let nth = came.entry(id).or_default();
            *nth += 1;
            match (places.get(id).map(|it| it.get(*nth - 1)), last) {
                (None, _) if *nth == 1 => {
                    let id = token(id);
                    rows.push(format!("not expected: #{id} (connection {connection})"));
                }
                (Some(Some(place)), Some((before, other))) if *place < before => {
                    let (id, other) = (token(id), token(other));
                    let row = format!("out of order: #{id} came after #{other}");
                    rows.push(format!("{row} (connection {connection})"));
                }
                (Some(Some(place)), _) => last = Some((*place, id)),
                _ => {}
            }
        }
        panic!(
            "{spot}: the client has not seen each event once\n{}\n\n{self}",
            rows.join("\n")
        );
    }

    fn missing(&self, wanted: &[String], seen: &HashMap<&str, Vec<usize>>) -> Vec<String> {
        let mut rows = Vec::new();
        let mut before: Option<(&str, usize)> = None;
        let mut looked_for: HashMap<&str, usize> = HashMap::new();
        for id in wanted {
            let nth = looked_for.entry(id).or_default();
            *nth += 1;
            let connections = seen.get(&**id).filter(|it| it.len() >= *nth);
            if let Some(connections) = connections {
                before = connections.last().map(|connection| (&**id, *connection));
                continue;
            }
            let place = before.and_then(|(last, number)| {
                let life = self.lives.get(number - 1)?;
                let is_last = life.events.last().and_then(|it| it.id.as_deref()) == Some(last);
                Some(match is_last {
                    true => format!(
                        "connection {number} was {} after #{}",
                        life.end,
                        token(last)
                    ),
                    false => format!("in connection {number}, after #{}", token(last)),
                })
            });
            let place = place.unwrap_or_else(|| "before all others".to_owned());
            rows.push(format!("lost:         #{} ({place})", token(id)));
        }
        rows
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, life) in self.lives.iter().enumerate() {
            write!(f, "connection {}", index + 1)?;
            if !life.sent.is_empty() {
                write!(f, ", last-event-id {}", token(&life.sent))?;
            }
            f.write_str(":")?;
            for event in life.events.iter().take(SHOWN) {
                match &event.id {
                    Some(id) => write!(f, " #{}", token(id))?,
                    None => write!(f, " ({})", token(&event.event))?,
                }
            }
            if life.events.len() > SHOWN {
                write!(f, " and {} more", life.events.len() - SHOWN)?;
            }
            if life.events.is_empty() {
                f.write_str(" nothing")?;
            }
            writeln!(f, ", {}", life.end)?;
        }
        Ok(())
    }
}

fn said(event: &Event) -> String {
    let id = event.id.as_deref().map(|id| format!(" #{}", token(id)));
    let id = id.unwrap_or_default();
    format!("{}{id} | {}", token(&event.event), event.data)
}

fn listed(connections: &[usize]) -> String {
    let numbers: Vec<_> = connections.iter().map(ToString::to_string).collect();
    format!("connections {}", numbers.join(", "))
}
