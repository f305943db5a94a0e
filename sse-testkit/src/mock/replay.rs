//! A recording as answers, found by `Last-Event-ID`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, DATE, LOCATION, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, StatusCode};

use super::answer::{Answer, Opening, Step};
use crate::parser::{Item, Parser};
use crate::recording::{Ending, Exchange, Recording};

pub(super) struct Replay {
    parts: Vec<Part>,
    /// How many requests came with this id.
    asked: HashMap<String, usize>,
    pub(super) otherwise: Answer,
}

/// What one request of the recorded client was answered with.
struct Part {
    last_event_id: String,
    answer: Answer,
    /// Where each id is complete.
    ids: Vec<Mark>,
    served: bool,
}

/// A place behind a block with an id.
struct Mark {
    id: String,
    /// In this step, which sends bytes.
    step: usize,
    /// So many of its bytes belong to the block or to what is before it.
    bytes: usize,
}

impl Replay {
    pub(super) fn new(recording: &Recording) -> Self {
        let exchanges = recording.exchanges().iter();
        Self {
            parts: exchanges
                .filter(|it| !is_redirect(it) && !is_unanswered(it))
                .map(Part::new)
                .collect(),
            asked: HashMap::new(),
            otherwise: Answer::status(StatusCode::NO_CONTENT),
        }
    }

    pub(super) fn answer(&mut self, last_event_id: &str) -> Answer {
        let turn = self.asked.entry(last_event_id.to_owned()).or_default();
        let parts = self.parts.iter().enumerate();
        let same: Vec<_> = parts
            .filter(|(_, part)| part.last_event_id == last_event_id)
            .map(|(index, _)| index)
            .collect();
        if !same.is_empty() {
            let index = match last_event_id {
                "" => same[*turn % same.len()],
                // Whoever asks once more than the recorded client has got nothing new meanwhile.
                _ => same[(*turn).min(same.len() - 1)],
            };
            *turn += 1;
            return self.whole_part(index);
        }
        let found = self
            .parts
            .iter()
            .enumerate()
            .rev()
            .find_map(|(index, part)| {
                let mark = part
                    .ids
                    .iter()
                    .rev()
                    .find(|mark| mark.id == last_event_id)?;
                Some((index, part.after(mark)))
            });
        match found {
            Some((index, Some(answer))) => {
                self.parts[index].served = true;
                answer
            }
            Some((index, None)) if index + 1 < self.parts.len() => self.whole_part(index + 1),
            Some((_, None)) => self.otherwise.clone(),
            None if self.parts.is_empty() => self.otherwise.clone(),
            None => self.whole_part(0),
        }
    }

    pub(super) fn left(&self) -> usize {
        self.parts.iter().filter(|part| !part.served).count()
    }

    /// Forgets whom the original allowed to read.
    pub(super) fn forget_cors(&mut self) {
        for part in &mut self.parts {
            if let Opening::Head { headers, .. } = &mut part.answer.opening {
                let names: Vec<_> = headers.keys().cloned().collect();
                for name in names {
                    if name.as_str().starts_with("access-control-") {
                        headers.remove(name);
                    }
                }
            }
        }
    }

    /// Lets the last part go over into the first one.
    pub(super) fn repeat(&mut self) {
        let Some(last) = self.parts.last_mut() else {
            return;
        };
        let mut steps = last.answer.steps.to_vec();
        let is_fault = |step: &Step| matches!(step, Step::Stall | Step::Cut);
        if steps.last().is_some_and(is_fault) {
            steps.pop();
        }
        last.answer.steps = steps.into();
        // The first part may be the last one.
        let first = Arc::clone(&self.parts[0].answer.steps);
        if let Some(last) = self.parts.last_mut() {
            last.answer.again = Some(first);
        }
    }

    fn whole_part(&mut self, index: usize) -> Answer {
        let part = &mut self.parts[index];
        part.served = true;
        part.answer.clone()
    }
}

impl Part {
    fn new(exchange: &Exchange) -> Self {
        let mut clock = exchange.at();
        let mut until = |at: Duration| {
            let pause = at.saturating_sub(clock);
            clock = at;
            pause
        };
        let (opening, head_after) = match (exchange.status(), exchange.headers()) {
            (Some(status), Some(headers)) => {
                let headers = lasting(headers);
                let at = exchange.head_at().unwrap_or_default();
                (Opening::Head { status, headers }, until(at))
            }
            _ => match exchange.ending() {
                Ending::Error { at, .. } | Ending::End { at } => (Opening::HangUp, until(*at)),
                Ending::Open => (Opening::HangUp, Duration::ZERO),
            },
        };
        let mut steps = Vec::new();
        for chunk in exchange.chunks() {
            push_pause(&mut steps, until(chunk.elapsed));
            if !chunk.bytes.is_empty() {
                steps.push(Step::Send(chunk.bytes.clone()));
            }
        }
        match exchange.ending() {
            Ending::Open => steps.push(Step::Stall),
            Ending::End { at } => push_pause(&mut steps, until(*at)),
            Ending::Error { at, .. } => {
                push_pause(&mut steps, until(*at));
                steps.push(Step::Cut);
            }
        }
        Self {
            last_event_id: exchange.last_event_id().to_owned(),
            ids: marks(&steps),
            answer: Answer {
                head_after,
                opening,
                ..Answer::stream(steps)
            },
            served: false,
        }
    }

    /// The answer from behind this place on; nothing if no client would get anything new by it.
    fn after(&self, mark: &Mark) -> Option<Answer> {
        let mut steps = Vec::new();
        if let Some(Step::Send(bytes)) = self.answer.steps.get(mark.step) {
            let rest = bytes.slice(mark.bytes..);
            if !rest.is_empty() {
                steps.push(Step::Send(rest));
            }
        }
        steps.extend_from_slice(&self.answer.steps[mark.step + 1..]);
        let stays_open = steps.contains(&Step::Stall);
        let follows = stays_open || self.answer.again.is_some() || dispatches(&steps);
        follows.then(|| Answer {
            head_after: Duration::ZERO,
            steps: steps.into(),
            ..self.answer.clone()
        })
    }
}

fn push_pause(steps: &mut Vec<Step>, pause: Duration) {
    if !pause.is_zero() {
        steps.push(Step::Pause(pause));
    }
}

/// Whether a client learns anything from what is sent. Heartbeats alone, or a part of an event,
/// would be asked for again and again.
fn dispatches(steps: &[Step]) -> bool {
    let mut parser = Parser::new();
    steps.iter().any(|step| {
        let Step::Send(bytes) = step else {
            return false;
        };
        let items = parser.feed(bytes).unwrap_or_default();
        let is_news = |item: &Item| matches!(item, Item::Event(_) | Item::Id(_));
        items.iter().any(is_news)
    })
}

fn marks(steps: &[Step]) -> Vec<Mark> {
    let mut parser = Parser::new();
    let mut marks = Vec::new();
    for (step, sent) in steps.iter().enumerate() {
        let Step::Send(bytes) = sent else {
            continue;
        };
        let mut at = 0;
        // A block ends where a line does.
        for line in bytes.split_inclusive(|byte| matches!(byte, b'\r' | b'\n')) {
            at += line.len();
            // What is too large for the parser has no marks: it is served from the start.
            let Ok(items) = parser.feed(line) else {
                return marks;
            };
            let id = items.into_iter().find_map(|item| match item {
                Item::Event(event) => event.id,
                Item::Id(id) => Some(id),
                _ => None,
            });
            if let Some(id) = id.filter(|id| !id.is_empty()) {
                // A CR ends a line at once, but an LF behind it belongs to it.
                let crlf = line.ends_with(b"\r") && bytes.get(at) == Some(&b'\n');
                let bytes = at + usize::from(crlf);
                marks.push(Mark { id, step, bytes });
            }
        }
    }
    marks
}

/// A redirect would lead to where it was recorded.
fn is_redirect(exchange: &Exchange) -> bool {
    exchange
        .status()
        .is_some_and(|status| status.is_redirection())
        && exchange
            .headers()
            .is_some_and(|headers| headers.contains_key(LOCATION))
}

/// The recording was stopped before the server had answered, or failed to.
fn is_unanswered(exchange: &Exchange) -> bool {
    exchange.status().is_none() && *exchange.ending() == Ending::Open
}

/// The headers that do not belong to one connection or to the time of recording.
fn lasting(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    let keep_alive = HeaderName::from_static("keep-alive");
    // The length is that of what was recorded, which need not be all.
    let passing = [
        CONNECTION,
        keep_alive,
        TRANSFER_ENCODING,
        UPGRADE,
        CONTENT_LENGTH,
        DATE,
    ];
    for name in passing {
        headers.remove(name);
    }
    headers
}
