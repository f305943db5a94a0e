//! From text to a recording.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value};

use super::entry::Entry;
use super::{Recording, RecordingError};

/// The version of the format that is written, and the only one there is.
pub(super) const VERSION: u64 = 1;

const TIMES: [&str; 2] = ["at", "after"];
const KEYS: [&str; 6] = ["connect", "status", "text", "base64", "end", "error"];

impl Recording {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// When there is no such file, or it is no recording.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, RecordingError> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|error| RecordingError::file(path, error))?;
        Self::from_bytes(&bytes)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    ///
    /// When they are no recording.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordingError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            RecordingError::at(line, "this is not UTF-8; bytes that are not are base64")
        })?;
        text.parse()
    }
}

impl FromStr for Recording {
    type Err = RecordingError;

    fn from_str(text: &str) -> Result<Self, RecordingError> {
        let mut recording = None;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fail = |reason: String| RecordingError::at(number + 1, reason);
            let object = object(line).map_err(fail)?;
            match &mut recording {
                None => recording = Some(first(object).map_err(fail)?),
                Some(recording) => next(recording, object).map_err(fail)?,
            }
        }
        let lines = text.lines().count().max(1);
        recording.ok_or_else(|| RecordingError::at(lines, NO_FIRST_LINE))
    }
}

const NO_FIRST_LINE: &str = "the first line of a recording is {\"sse_recording\":1}";

fn object(line: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(line) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("a line is a JSON object, in braces".to_owned()),
        Err(error) => {
            Err(format!("this is not JSON: {error}").replace(" at line 1 column", " at column"))
        }
    }
}

fn first(mut object: Map<String, Value>) -> Result<Recording, String> {
    match object.remove("sse_recording").as_ref().map(Value::as_u64) {
        Some(Some(VERSION)) => {}
        Some(Some(other)) => {
            return Err(format!(
                "this is version {other} of the format, and this program reads version {VERSION}"
            ));
        }
        Some(None) => return Err("the version in \"sse_recording\" is a number".to_owned()),
        None => return Err(NO_FIRST_LINE.to_owned()),
    }
    let url = match object.remove("url") {
        None | Some(Value::Null) => None,
        Some(url) => Some(string("url", url)?),
    };
    match object.keys().next() {
        Some(key) => Err(format!("{key:?} is no key of the first line")),
        None => Ok(Recording {
            url,
            ..Recording::default()
        }),
    }
}

fn next(recording: &mut Recording, mut object: Map<String, Value>) -> Result<(), String> {
    let at = match (object.remove("at"), object.remove("after")) {
        (None, None) => Some(recording.until),
        (Some(at), None) => Some(millis("at", &at)?),
        (None, Some(after)) => recording.until.checked_add(millis("after", &after)?),
        (Some(_), Some(_)) => return Err("a line has \"at\" or \"after\", not both".to_owned()),
    };
    let at = at.ok_or("the time is too large")?;
    let entry = entry(object)?;
    recording.push(at, entry).map_err(str::to_owned)
}

fn entry(mut object: Map<String, Value>) -> Result<Entry, String> {
    let headers = object.remove("headers");
    let mut rest = object.into_iter();
    let (key, value) = match (rest.next(), rest.next()) {
        (Some(pair), None) => pair,
        (None, _) => return Err(format!("a line says what happened: one of {}", list())),
        (Some((one, _)), Some((other, _))) => {
            let unknown = [&one, &other]
                .into_iter()
                .find(|it| !KEYS.contains(&&***it));
            return Err(match unknown {
                Some(key) => unknown_key(key),
                None => format!("{one:?} and {other:?} are two lines"),
            });
        }
    };
    if headers.is_some() && key != "status" {
        return Err("\"headers\" stand beside \"status\"".to_owned());
    }
    Ok(match &*key {
        "connect" => Entry::Connect {
            last_event_id: string(&key, value)?,
        },
        "status" => Entry::Head {
            status: status(&value)?,
            headers: self::headers(headers)?,
        },
        "text" => Entry::Chunk(string(&key, value)?.into()),
        "base64" => Entry::Chunk(base64(&string(&key, value)?)?),
        "end" if value == Value::Bool(true) => Entry::End,
        "end" => return Err("\"end\" is true".to_owned()),
        "error" => Entry::Error(string(&key, value)?),
        key => return Err(unknown_key(key)),
    })
}

fn unknown_key(key: &str) -> String {
    format!(
        "{key:?} is no key of a line; there are {}, {}",
        TIMES.join(", "),
        list()
    )
}

fn list() -> String {
    format!("{}, headers", KEYS.join(", "))
}

fn string(key: &str, value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(format!("{key:?} is a string, not {other}")),
    }
}

fn millis(key: &str, value: &Value) -> Result<Duration, String> {
    let millis = value.as_u64().map(Duration::from_millis);
    millis.ok_or_else(|| format!("{key:?} is a whole number of milliseconds, not {value}"))
}

fn base64(text: &str) -> Result<Bytes, String> {
    let bytes = STANDARD.decode(text);
    bytes
        .map(Bytes::from)
        .map_err(|error| format!("this is not base64: {error}"))
}

fn status(value: &Value) -> Result<StatusCode, String> {
    let code = value.as_u64().and_then(|code| u16::try_from(code).ok());
    code.and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or_else(|| format!("{value} is no status"))
}

fn headers(value: Option<Value>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let object = match value {
        None => return Ok(headers),
        Some(Value::Object(object)) => object,
        Some(other) => return Err(format!("\"headers\" are an object, not {other}")),
    };
    for (name, value) in object {
        let parsed = HeaderName::from_bytes(name.as_bytes());
        let parsed = parsed.map_err(|_| format!("{name:?} is no header name"))?;
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        for value in values {
            let bytes = match value {
                Value::String(text) => text.into_bytes(),
                Value::Object(mut object) if object.len() == 1 => match object.remove("base64") {
                    Some(Value::String(text)) => base64(&text)?.to_vec(),
                    _ => return Err(no_header_value(&name)),
                },
                _ => return Err(no_header_value(&name)),
            };
            let value = HeaderValue::from_bytes(&bytes).map_err(|_| no_header_value(&name))?;
            headers
                .try_append(parsed.clone(), value)
                .map_err(|_| "there are too many headers".to_owned())?;
        }
    }
    Ok(headers)
}

fn no_header_value(name: &str) -> String {
    format!("the value of the header {name:?} can't be sent in a header")
}
