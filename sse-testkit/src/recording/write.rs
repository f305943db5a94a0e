//! From a recording, or from a stream as it comes, to text.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::Recording;
use super::entry::Entry;
use super::read::VERSION;
use crate::Sighting;

/// Writes a recording line by line, each in one go, so that a recording that stops anywhere is a
/// whole one.
///
/// ```
/// use sse_testkit::recording::{Recording, Writer};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = axum::Router::new().route(
///     "/",
///     axum::routing::get(|| async { ([("content-type", "text/event-stream")], "data: hi\n\n") }),
/// );
/// let mut file = Vec::new();
/// let mut writer = Writer::new(&mut file, Some("http://localhost/"))?;
/// let mut watch = sse_testkit::get(app, "/").watch();
/// for _ in 0..5 {
///     if let Some(sighting) = watch.next().await {
///         writer.write(&sighting)?;
///     }
/// }
/// let recording = Recording::from_bytes(&file)?;
/// assert_eq!(recording.exchanges()[0].chunks()[0].bytes, "data: hi\n\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    /// Whether a request was sent, and its response has not ended.
    connected: bool,
}

impl<W: Write> Writer<W> {
    /// Writes the first line.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn new(out: W, url: Option<&str>) -> io::Result<Self> {
        let mut this = Self {
            out,
            connected: false,
        };
        this.line(&first_line(url))?;
        Ok(this)
    }

    /// Writes what was seen, if a recording has a line for it.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn write(&mut self, sighting: &Sighting) -> io::Result<()> {
        let Some(entry) = Entry::of(&sighting.seen) else {
            return Ok(());
        };
        match &entry {
            Entry::Connect { .. } => self.connected = true,
            // There was nothing to send.
            _ if !self.connected => return Ok(()),
            Entry::End | Entry::Error(_) => self.connected = false,
            Entry::Head { .. } | Entry::Chunk(_) => {}
        }
        self.line(&line(sighting.elapsed, &entry))
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        self.out.write_all(format!("{line}\n").as_bytes())?;
        self.out.flush()
    }
}

impl Recording {
    /// Writes a file.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn save(&self, path: impl AsRef<Path>) -> io::Result<()> {
        std::fs::write(path, self.to_string())
    }
}

/// The text that is read back by [`str::parse`]; times are in whole milliseconds.
impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", first_line(self.url.as_deref()))?;
        for (at, entry) in self.entries() {
            writeln!(f, "{}", line(at, &entry))?;
        }
        Ok(())
    }
}

fn first_line(url: Option<&str>) -> String {
    match url {
        Some(url) => format!("{{\"sse_recording\":{VERSION},\"url\":{}}}", json!(url)),
        None => format!("{{\"sse_recording\":{VERSION}}}"),
    }
}

/// Written by hand for the order of the keys: the time stands first.
fn line(at: Duration, entry: &Entry) -> String {
    let what = match entry {
        Entry::Connect { last_event_id } => format!("\"connect\":{}", json!(last_event_id)),
        Entry::Head { status, headers } => head(*status, headers),
        Entry::Chunk(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => format!("\"text\":{}", json!(text)),
            Err(_) => format!("\"base64\":\"{}\"", STANDARD.encode(bytes)),
        },
        Entry::End => "\"end\":true".to_owned(),
        Entry::Error(reason) => format!("\"error\":{}", json!(reason)),
    };
    format!("{{\"at\":{},{what}}}", at.as_millis())
}

fn head(status: StatusCode, headers: &HeaderMap) -> String {
    let mut object = Map::new();
    for name in headers.keys() {
        let mut values: Vec<_> = headers.get_all(name).iter().map(header_value).collect();
        let value = match values.len() {
            1 => values.remove(0),
            _ => Value::Array(values),
        };
        object.insert(name.to_string(), value);
    }
    let headers = Value::Object(object);
    format!("\"status\":{},\"headers\":{headers}", status.as_u16())
}

fn header_value(value: &http::HeaderValue) -> Value {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => json!(text),
        Err(_) => json!({ "base64": STANDARD.encode(value.as_bytes()) }),
    }
}
