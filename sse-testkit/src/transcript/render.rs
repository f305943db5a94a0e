//! The text of a transcript.

use std::fmt::Write as _;
use std::time::Duration;

use super::Transcript;
use super::messages::{self, View};
use super::redact::{Ids, Redactions};
use crate::frame::Frame;
use crate::record::{Head, What};

/// How wide the column of the times is.
const TIME: usize = 9;

impl Transcript {
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        let mut ids = Ids::default();
        let indent = if self.times() { TIME } else { 0 };
        if self.skipped > 0 {
            text.push_str(&format!("({} earlier lines are left out)\n", self.skipped));
        }
        for record in &self.records {
            let block = match &record.what {
                What::Head(head) => {
                    self.head(head, &mut text);
                    continue;
                }
                What::Chunk(_) if !self.chunks => continue,
                What::Reconnect { after, id } => {
                    let id = self.redactions.shown_id(id, &mut ids);
                    let id = id.map_or(String::new(), |id| format!(", last-event-id: {id}"));
                    text.push_str(&format!("\n--- reconnect after {}{id}\n", time(*after)));
                    continue;
                }
                what => block(what, self.messages.as_ref(), &self.redactions, &mut ids),
            };
            for (number, line) in block.lines().enumerate() {
                let at = match number {
                    0 if self.times() => format!("+{}", time(record.at)),
                    _ => String::new(),
                };
                // A time that fills its column keeps a distance from what follows.
                let gap = if at.len() >= indent && !at.is_empty() {
                    " "
                } else {
                    ""
                };
                let line = format!("{at:indent$}{gap}{line}");
                text.push_str(line.trim_end());
                text.push('\n');
            }
        }
        text
    }

    fn head(&self, head: &Head, text: &mut String) {
        text.push_str(&format!("HTTP {}\n", head.status));
        if !self.redactions.without_headers {
            let mut lines: Vec<_> = head
                .headers
                .iter()
                .filter(|(name, _)| *name != http::header::DATE)
                .map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes());
                    let value = self.redactions.shown_header(name.as_str(), &value);
                    format!("{name}: {}", escape(value))
                })
                .collect();
            lines.sort();
            for line in lines {
                text.push_str(&line);
                text.push('\n');
            }
        }
        text.push('\n');
    }
}

/// One record in a line or a few, without its time.
pub(crate) fn line(what: &What) -> String {
    block(what, None, &Redactions::default(), &mut Ids::default())
}

fn block(what: &What, messages: Option<&View>, redactions: &Redactions, ids: &mut Ids) -> String {
    match what {
        What::Frame(frame) => self::frame(frame, redactions, ids),
        What::Message(message) => messages::message(message, messages, redactions),
        What::Status(status) => messages::status(status, redactions),
        What::Chunk(bytes) => format!("chunk of {} bytes", bytes.len()),
        What::Plain(body) => lines("body", &redactions.shown_data(body)),
        What::End { discarded: None } => "end".to_owned(),
        What::End {
            discarded: Some(text),
        } => lines("end inside a block", &discarded(text, redactions, ids)),
        What::Error(error) => format!("error {}", escape(error)),
        What::Closed => "closed by the test".to_owned(),
        What::Head(head) => format!("HTTP {}", head.status),
        What::Reconnect { .. } => "reconnect".to_owned(),
    }
}

/// What clients discard is shown line by line, with the replacements of a whole event.
fn discarded(text: &str, redactions: &Redactions, ids: &mut Ids) -> String {
    let lines = text.split('\n').map(|line| match line.split_once(": ") {
        Some(("id", id)) => match redactions.numbered_id(id, ids) {
            Some(id) => format!("id: {id}"),
            None => line.to_owned(),
        },
        Some(("data", data)) => format!("data: {}", redactions.shown_data(data)),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn frame(frame: &Frame, redactions: &Redactions, ids: &mut Ids) -> String {
    match frame {
        Frame::Opening { text, .. } => format!("opening {text:?}"),
        Frame::Event {
            event,
            comments,
            retry,
        } => {
            let mut head = format!("event {}", token(&event.event));
            if let Some(id) = &event.id {
                push_id(&mut head, id, redactions, ids);
            }
            push_retry(&mut head, *retry);
            let mut text = lines(&head, &redactions.shown_data(&event.data));
            for comment in comments {
                text.push_str(&format!("\n  with comment : {}", escape(comment)));
            }
            let unknown = event
                .fields
                .iter()
                .filter(|field| !matches!(&*field.name, "event" | "data" | "id" | "retry"));
            for field in unknown {
                let (name, value) = (escape(&field.name), escape(&field.value));
                text.push_str(&format!("\n  with field {name}: {value}"));
            }
            text
        }
        Frame::Comment { text, bare } => {
            let mut out = String::new();
            for (number, line) in text.split('\n').enumerate() {
                out.push_str(if number == 0 {
                    "comment :"
                } else {
                    "\n        :"
                });
                if !line.is_empty() {
                    out.push(' ');
                    out.push_str(&escape(line));
                }
            }
            if *bare {
                out.push_str(" (no blank line)");
            }
            out
        }
        Frame::Retry(delay) => format!("retry {}", time(*delay)),
        Frame::Id {
            id,
            comments,
            retry,
        } => {
            let mut out = "id".to_owned();
            push_id(&mut out, id, redactions, ids);
            push_retry(&mut out, *retry);
            for comment in comments {
                out.push_str(&format!("\n  with comment : {}", escape(comment)));
            }
            out
        }
        Frame::Empty { fields } => {
            let mut out = "block without data".to_owned();
            for field in fields {
                let (name, value) = (escape(&field.name), escape(&field.value));
                out.push_str(&format!("\n  with field {name}: {value}"));
            }
            out
        }
        Frame::Blank => "blank line".to_owned(),
    }
}

fn push_id(out: &mut String, id: &str, redactions: &Redactions, ids: &mut Ids) {
    let id = redactions
        .shown_id(id, ids)
        .unwrap_or_else(|| "\"\"".to_owned());
    out.push_str(" #");
    out.push_str(&id);
}

fn push_retry(out: &mut String, retry: Option<Duration>) {
    if let Some(delay) = retry {
        out.push_str(&format!(" retry={}", time(delay)));
    }
}

/// The text after a bar, each further line below it.
pub(super) fn lines(head: &str, text: &str) -> String {
    let mut out = head.to_owned();
    let width = head.chars().count();
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
            out.push_str(&" ".repeat(width));
        }
        out.push_str(" | ");
        out.push_str(&escape(line));
    }
    out
}

/// A name or id as it stands if that can't be misread.
pub(crate) fn token(text: &str) -> String {
    let plain = |it: char| it.is_alphanumeric() || "_-.:/".contains(it);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("{text:?}"),
    }
}

/// What a terminal would do instead of showing it, and what can't be seen, is written out.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            // A byte order mark, line ends that are none, and what turns the order of text around.
            '\u{feff}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.extend(it.escape_unicode());
            }
            it if it.is_control() => out.extend(it.escape_default()),
            it => out.push(it),
        }
    }
    out
}

/// `0ms`, `250ms`, `15s`, `1.5s`: whole milliseconds, what is below them is noise.
pub(crate) fn time(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis < 1000 {
        return format!("{millis}ms");
    }
    let mut text = (millis / 1000).to_string();
    let rest = format!("{:03}", millis % 1000);
    let rest = rest.trim_end_matches('0');
    if !rest.is_empty() {
        let _ = write!(text, ".{rest}");
    }
    text.push('s');
    text
}
