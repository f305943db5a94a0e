//! What people read: a line or a few for each frame.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use sse_testkit::{Frame, Reconnect, Seen, Sighting};

use super::{Args, Gaps, Show, json_layout, time};
use crate::color::{Look, Painter};

pub(super) struct Text {
    painter: Painter,
    layout: Layout,
    headers: bool,
    gaps: Gaps,
}

/// What becomes of data that is JSON.
enum Layout {
    AsSent,
    Compact,
    Spread,
}

/// How wide the columns of the time and of the pause are.
const TIME: usize = 9;
const GAP: usize = 10;

impl Text {
    pub(super) fn new(args: &Args, painter: Painter) -> Self {
        Self {
            painter,
            layout: match args.compact {
                true => Layout::Compact,
                false if io::stdout().is_terminal() => Layout::Spread,
                false => Layout::AsSent,
            },
            headers: args.include,
            gaps: Gaps::default(),
        }
    }

    fn text(&self, seen: &Seen) -> String {
        let mut text = seen.to_string();
        if let Seen::Head { headers, .. } = seen {
            text.push_str(&self.head(headers));
        }
        text
    }

    fn head(&self, headers: &HeaderMap) -> String {
        if !self.headers {
            let content_type = headers.get(CONTENT_TYPE);
            return content_type.map_or(String::new(), |it| format!(", {}", shown(it)));
        }
        let lines = headers.iter();
        lines
            .map(|(name, value)| format!("\n{name}: {}", shown(value)))
            .collect()
    }

    fn relay(&self, event: &mut sse_testkit::Event) {
        let data = match self.layout {
            Layout::AsSent => None,
            Layout::Compact => json_layout::compact(&event.data),
            Layout::Spread => json_layout::spread(&event.data),
        };
        event.data = data.unwrap_or_else(|| std::mem::take(&mut event.data));
    }

    fn write(&self, elapsed: Duration, gap: Option<Duration>, seen: &Seen) -> io::Result<()> {
        let at = format!("{:>TIME$}", time::text(elapsed));
        let gap = gap.map_or(String::new(), |gap| format!("+{}", time::text(gap)));
        let margin = self.painter.paint(Look::Dim, &format!("{at} {gap:>GAP$}"));
        let look = look(seen);
        let mut out = io::stdout().lock();
        for (number, line) in self.text(seen).split('\n').enumerate() {
            let margin = match number {
                0 => margin.clone(),
                _ => " ".repeat(TIME + 1 + GAP),
            };
            let line = match line.split_once(" | ") {
                // What an event is called stands out from what it says.
                Some((name, data)) if look == Look::Bold && number == 0 => {
                    format!("{} | {data}", self.painter.paint(look, name))
                }
                _ if look == Look::Bold && number > 0 => line.to_owned(),
                _ => self.painter.paint(look, line),
            };
            writeln!(out, "{}", format!("{margin}  {line}").trim_end())?;
        }
        out.flush()
    }
}

impl Show for Text {
    fn show(&mut self, sighting: Sighting) -> io::Result<()> {
        let Sighting {
            elapsed, mut seen, ..
        } = sighting;
        match &mut seen {
            Seen::Chunk(_) => return Ok(()),
            Seen::Frame(Frame::Event { event, .. }) => self.relay(event),
            _ => {}
        }
        // What the client does by itself is no sign of life of the server.
        let gap = match seen {
            Seen::Request { .. } | Seen::Wait { .. } | Seen::GaveUp(_) => None,
            _ => Some(self.gaps.next(elapsed)),
        };
        self.write(elapsed, gap, &seen)
    }
}

/// The value as it stands, but for what is no printable character.
fn shown(value: &HeaderValue) -> String {
    let text = String::from_utf8_lossy(value.as_bytes());
    let mut out = String::new();
    for it in text.chars() {
        match it {
            '"' | '\'' | '\\' => out.push(it),
            it => out.extend(it.escape_debug()),
        }
    }
    out
}

fn look(seen: &Seen) -> Look {
    match seen {
        Seen::Frame(Frame::Event { .. }) => Look::Bold,
        Seen::Head { status, .. } if *status == StatusCode::OK => Look::Good,
        Seen::Head { .. } | Seen::Wait { .. } | Seen::GaveUp(Reconnect::Stopped) => Look::Warning,
        Seen::Error(_)
        | Seen::GaveUp(_)
        | Seen::End {
            discarded: Some(_), ..
        } => Look::Bad,
        Seen::Frame(_) => Look::Dim,
        _ => Look::Plain,
    }
}
