//! Whether clients have seen the same events.

use std::collections::HashMap;

use crate::EventStream;
use crate::frame::Frame;
use crate::parser::Event;
use crate::record::What;
use crate::transcript::line;

/// What one client has seen.
struct Seen<'a> {
    frames: Vec<&'a Frame>,
    events: Vec<&'a Event>,
    /// Where each id is first.
    ids: HashMap<&'a str, usize>,
    has_ended: bool,
}

/// How two clients differ.
enum Difference {
    /// Neither has an id of the other.
    Apart,
    /// At these events, of which one may be missing.
    At(usize, usize),
}

/// `Err` tells which clients differ, and where.
pub(super) fn compare(streams: &[EventStream]) -> Result<(), String> {
    let clients: Vec<_> = streams.iter().map(Seen::by).collect();
    let silent = clients.iter().position(|client| client.events.is_empty());
    if let (Some(silent), true) = (silent, clients.len() > 1) {
        let number = silent + 1;
        return Err(format!(
            "client {number} has read no event, so there is nothing to compare\n"
        ));
    }
    let agree = |one: &Seen<'_>| {
        let others = clients.iter();
        others.filter(|other| differ(one, other).is_none()).count()
    };
    let Some(first) = clients.first() else {
        return Ok(());
    };
    if agree(first) == clients.len() {
        return Ok(());
    }
    // The first of those that most agree with.
    let best = (0..clients.len())
        .rev()
        .max_by_key(|index| agree(&clients[*index]));
    let best = best.unwrap_or_default();
    let same = same_as(best, &clients);
    match same.len() == clients.len() {
        true => Ok(()),
        false => Err(report(&clients, best, &same)),
    }
}

/// Those that agree with this one, and those that share something with one of them where they share
/// nothing with this one.
fn same_as(best: usize, clients: &[Seen<'_>]) -> Vec<usize> {
    let mut same = vec![best];
    loop {
        let more = (0..clients.len()).find(|index| {
            let differences = same
                .iter()
                .map(|it| differ(&clients[*it], &clients[*index]));
            let differences: Vec<_> = differences.collect();
            !same.contains(index)
                && differences.iter().any(Option::is_none)
                && !differences
                    .iter()
                    .any(|it| matches!(it, Some(Difference::At(..))))
        });
        match more {
            Some(index) => same.push(index),
            None => break,
        }
    }
    same.sort_unstable();
    same
}

impl<'a> Seen<'a> {
    fn by(stream: &'a EventStream) -> Self {
        let (mut frames, mut events, mut ids) = (Vec::new(), Vec::new(), HashMap::new());
        for (_, frame) in stream.frames() {
            if let Frame::Event { event, .. } = frame {
                if let Some(id) = event.id.as_deref() {
                    ids.entry(id).or_insert(events.len());
                }
                frames.push(frame);
                events.push(event);
            }
        }
        let last = stream.recorder.passed().last();
        let has_ended = last.is_some_and(|it| matches!(it.what, What::End { discarded: None }));
        Self {
            frames,
            events,
            ids,
            has_ended,
        }
    }

    /// Whether an event before this one has an id.
    fn has_ids_before(&self, index: usize) -> bool {
        let mut before = self.events[..index].iter();
        before.any(|event| event.id.is_some())
    }

    fn line(&self, index: usize) -> String {
        match self.frames.get(index) {
            Some(frame) => line(&What::Frame((*frame).clone())),
            None if self.has_ended => "the end of the stream".to_owned(),
            None => "nothing yet".to_owned(),
        }
    }
}

/// The first place at which the two differ.
fn differ(one: &Seen<'_>, other: &Seen<'_>) -> Option<Difference> {
    let Some((here, there)) = meeting(one, other) else {
        return Some(Difference::Apart);
    };
    // Before that they can't be the same, or it would be earlier; but one of them may have begun
    // there, or with events without an id, which may be for it alone.
    let (here, there) = match one.has_ids_before(here) && other.has_ids_before(there) {
        true => (here - here.min(there), there - here.min(there)),
        false => (here, there),
    };
    let pairs = one.events[here..].iter().zip(&other.events[there..]);
    let same = pairs.take_while(|(one, other)| is_same(one, other)).count();
    let (here, there) = (here + same, there + same);
    let is_over = |client: &Seen<'_>, at: usize| at >= client.events.len();
    let differs = match (is_over(one, here), is_over(other, there)) {
        (false, false) => true,
        (true, true) => false,
        // One has less of it: that is no difference unless both are over.
        _ => one.has_ended && other.has_ended,
    };
    differs.then_some(Difference::At(here, there))
}

/// Where both have the same id for the first time.
fn meeting(one: &Seen<'_>, other: &Seen<'_>) -> Option<(usize, usize)> {
    if one.ids.is_empty() && other.ids.is_empty() {
        return Some((0, 0));
    }
    let mut events = one.events.iter().enumerate();
    events.find_map(|(here, event)| {
        let there = other.ids.get(event.id.as_deref()?)?;
        Some((here, *there))
    })
}

fn is_same(one: &Event, other: &Event) -> bool {
    (&one.id, &one.event, &one.data) == (&other.id, &other.event, &other.data)
}

fn report(clients: &[Seen<'_>], best: usize, same: &[usize]) -> String {
    let right = &clients[best];
    let mut text = "the clients have not seen the same events\n".to_owned();
    let agree: Vec<_> = same.iter().map(|index| (index + 1).to_string()).collect();
    if agree.len() > 1 {
        text.push_str(&format!("clients {}: the same\n", agree.join(", ")));
    }
    let others = clients.iter().enumerate();
    for (index, client) in others.filter(|(index, _)| !same.contains(index)) {
        let (one, other) = (best + 1, index + 1);
        let (here, there, how) = match differ(right, client) {
            None => continue,
            Some(Difference::At(here, there)) => {
                (here, there, format!("differs at its event {}", there + 1))
            }
            Some(Difference::Apart) => (0, 0, format!("shares no id with client {one}")),
        };
        text.push_str(&format!("\nclient {other} {how}\n"));
        if here > 0 && there > 0 {
            push(&mut text, "both", &right.line(here - 1));
        }
        push(&mut text, &format!("client {one}"), &right.line(here));
        push(&mut text, &format!("client {other}"), &client.line(there));
        for note in notes(right, client, here, there) {
            push(&mut text, "", &note);
        }
    }
    text
}

/// Whether what one has at this place is at another one with the other.
fn notes(right: &Seen<'_>, client: &Seen<'_>, here: usize, there: usize) -> Vec<String> {
    let mut notes = Vec::new();
    let missing = right.events.get(here).and_then(|event| event.id.as_deref());
    if let Some(id) = missing {
        match client
            .events
            .iter()
            .position(|event| event.id.as_deref() == Some(id))
        {
            None => notes.push(format!("#{id} never came")),
            Some(at) if at == there => notes.push(format!("#{id} is not the same")),
            Some(at) => notes.push(format!("#{id} came as its event {}", at + 1)),
        }
    }
    let more = client
        .events
        .get(there)
        .and_then(|event| event.id.as_deref());
    if let Some(id) = more {
        let before = client.events[..there].iter();
        if before.clone().any(|event| event.id.as_deref() == Some(id)) {
            notes.push(format!("#{id} came twice"));
        }
    }
    notes
}

fn push(text: &mut String, who: &str, what: &str) {
    let below = format!("\n{}", " ".repeat(14));
    let row = format!("  {who:<10}  {}", what.replace('\n', &below));
    text.push_str(row.trim_end());
    text.push('\n');
}
