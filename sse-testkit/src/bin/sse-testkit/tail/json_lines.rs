//! A line of JSON an event.

use std::fmt::Write as _;
use std::io;

use serde_json::{Value, json};
use sse_testkit::{Event, Frame, Seen, Sighting};

use super::{Gaps, Show, json_layout, note};
use crate::output::say;

/// Events go to the standard output, and what else happens to the standard error.
#[derive(Debug, Default)]
pub(super) struct JsonLines {
    gaps: Gaps,
}

impl Show for JsonLines {
    fn show(&mut self, sighting: Sighting) -> io::Result<()> {
        let event = match &sighting.seen {
            Seen::Frame(Frame::Event { event, .. }) => event,
            // An API may explain its error.
            Seen::Body(_) => {
                eprintln!("sse-testkit: {}", sighting.seen);
                return Ok(());
            }
            seen => {
                note(seen);
                return Ok(());
            }
        };
        let gap = self.gaps.next(sighting.elapsed);
        let line = line(sighting.elapsed.as_millis(), gap.as_millis(), event);
        say(line)
    }
}

/// Written by hand for the order of the keys, and so that JSON in the data stays as it was sent.
fn line(at: u128, gap: u128, event: &Event) -> String {
    let mut line = format!("{{\"at\":{at},\"gap\":{gap}");
    let retry = event.retry.map(|it| it.as_millis().to_string());
    let fields = [
        ("event", json!(event.event).to_string()),
        (
            "id",
            event
                .id
                .as_ref()
                .map_or(Value::Null, |id| json!(id))
                .to_string(),
        ),
        ("last_event_id", json!(event.last_event_id).to_string()),
        ("retry", retry.unwrap_or_else(|| "null".to_owned())),
        ("data", json!(event.data).to_string()),
    ];
    let json = json_layout::compact(&event.data).map(|json| ("json", json));
    for (key, value) in fields.into_iter().chain(json) {
        line.push_str(&format!(",\"{key}\":{value}"));
    }
    line.push('}');
    harmless(&line)
}

/// JSON lets the control characters of the second set and the like stand in strings, but on a
/// terminal they act. There they mean the same if they are written as escapes.
fn harmless(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for it in json.chars() {
        match it {
            '"' | '\'' | '\\' => out.push(it),
            it if it.escape_debug().len() == 1 => out.push(it),
            it => {
                let mut units = [0; 2];
                for unit in it.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out
}
