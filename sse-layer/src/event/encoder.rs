//! Writes fields straight into the buffer that becomes the body's chunk.

use std::{io::Write as _, time::Duration};

use super::{EventName, name};
#[cfg(feature = "json")]
use crate::error::EncodeError;
use crate::error::InvalidField;

/// Where an [`EventData`](crate::EventData) writes itself.
///
/// An encoder stands behind the event's comment and id; it writes the name (once), the retry and
/// the `data` lines. It never lets a value start a line of its own.
#[derive(Debug)]
pub struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    name: Name<'a>,
    retry: Option<Duration>,
}

/// What still has to be written of the name.
#[derive(Clone, Copy, Debug)]
enum Name<'a> {
    /// Set on the event.
    Event(&'a EventName),
    /// Set on the stream, for events that have data and no name.
    Stream(&'a EventName),
    None,
    Written,
}

impl<'a> Encoder<'a> {
    #[inline]
    pub(super) fn new(
        out: &'a mut Vec<u8>,
        event_name: Option<&'a EventName>,
        stream_name: Option<&'a EventName>,
        retry: Option<Duration>,
    ) -> Self {
        let name = match (event_name, stream_name) {
            (Some(name), _) => Name::Event(name),
            (None, Some(name)) => Name::Stream(name),
            (None, None) => Name::None,
        };
        Self { out, name, retry }
    }

    /// Names the event, unless it has a name already: the one set on the event wins, then the
    /// first that its data gives. To be called before any data is written.
    ///
    /// # Errors
    ///
    /// [`InvalidField::NameLineBreak`] for a CR or LF in it.
    pub fn name(&mut self, name: &str) -> Result<(), InvalidField> {
        name::check(name)?;
        if let Name::Stream(_) | Name::None = self.name {
            self.write_name(name);
        }
        Ok(())
    }

    /// Writes text as `data`, one line a line of the text.
    ///
    /// CR, LF and CRLF each end a line, and what is received has LF in their place. Empty text is
    /// an empty `data` line, which clients dispatch as an event with empty data.
    #[inline]
    pub fn text(&mut self, text: &str) {
        self.begin_data();
        lines(self.out, DATA, text);
    }

    /// Writes a value as `data`, in JSON on one line.
    ///
    /// # Errors
    ///
    /// What the value's `Serialize` answers, or that it has no form in JSON.
    #[cfg(feature = "json")]
    #[inline]
    pub fn json<T>(&mut self, value: &T) -> Result<(), EncodeError>
    where
        T: serde::Serialize + ?Sized,
    {
        let (out, start) = self.open_json();
        if let Err(error) = serde_json::to_writer(out, value) {
            // Whoever writes something else in its stead begins on a line of its own.
            self.out.truncate(start - DATA.len());
            return Err(error.into());
        }
        self.close_json(start);
        Ok(())
    }

    /// Opens the `data` line of a value in JSON. Answers the buffer to write it to, and the place
    /// where it begins, for [`close_json`](Self::close_json).
    #[cfg(feature = "json")]
    #[inline]
    pub(super) fn open_json(&mut self) -> (&mut Vec<u8>, usize) {
        self.begin_data();
        self.out.extend_from_slice(DATA);
        let start = self.out.len();
        (self.out, start)
    }

    /// Ends the `data` line of a value in JSON.
    ///
    /// Raw JSON may be laid out over several lines. Between tokens a line break is white space,
    /// and inside of strings JSON has none, so that a space says the same.
    #[cfg(feature = "json")]
    #[inline]
    pub(super) fn close_json(&mut self, start: usize) {
        let mut json = &mut self.out[start..];
        while let Some(at) = memchr::memchr2(b'\r', b'\n', json) {
            json[at] = b' ';
            json = &mut json[at + 1..];
        }
        self.out.push(b'\n');
    }

    /// Writes what comes before the first `data` line.
    #[inline]
    fn begin_data(&mut self) {
        if let Name::Event(name) | Name::Stream(name) = self.name {
            self.write_name(name.as_str());
        }
        self.write_retry();
    }

    /// Writes what an event without data still says.
    #[inline]
    pub(super) fn finish(mut self) {
        if let Name::Event(name) = self.name {
            self.write_name(name.as_str());
        }
        self.write_retry();
    }

    #[inline]
    fn write_name(&mut self, name: &str) {
        self.name = Name::Written;
        if !name.is_empty() {
            line(self.out, EVENT, name.as_bytes());
        }
    }

    #[inline]
    fn write_retry(&mut self) {
        if let Some(retry) = self.retry.take() {
            // A `Vec` takes all that is written.
            let _ = writeln!(self.out, "retry: {}", retry.as_millis());
        }
    }
}

/// The fields, each as it stands before a value.
pub(super) const DATA: &[u8; 6] = b"data: ";
pub(super) const EVENT: &[u8; 7] = b"event: ";
pub(super) const ID: &[u8; 4] = b"id: ";
pub(super) const COMMENT: &[u8; 2] = b": ";

/// Writes a field and a value that is known to have no line break.
#[inline(always)]
pub(super) fn line<const N: usize>(out: &mut Vec<u8>, field: &[u8; N], value: &[u8]) {
    if value.is_empty() {
        // Without the space behind the colon, which would be the line's end.
        out.extend_from_slice(&field[..N - 1]);
    } else {
        out.extend_from_slice(field);
        out.extend_from_slice(value);
    }
    out.push(b'\n');
}

/// Writes `text` as one field a line.
#[inline]
pub(super) fn lines<const N: usize>(out: &mut Vec<u8>, field: &[u8; N], text: &str) {
    let bytes = text.as_bytes();
    // What every such machine has, and so without the choice that `memchr` makes at each call:
    // lines are short, and the choice is a tenth of the time that an event takes.
    #[cfg(target_arch = "x86_64")]
    if let Some(breaks) = memchr::arch::x86_64::sse2::memchr::Two::new(b'\r', b'\n') {
        return lines_at(out, field, bytes, breaks.iter(bytes));
    }
    lines_at(out, field, bytes, memchr::memchr2_iter(b'\r', b'\n', bytes));
}

#[inline]
fn lines_at<const N: usize>(
    out: &mut Vec<u8>,
    field: &[u8; N],
    bytes: &[u8],
    breaks: impl Iterator<Item = usize>,
) {
    // Enough for most texts, so that the lines find their room.
    out.reserve(bytes.len() + bytes.len() / 8 + 2 * N);
    let mut start = 0;
    for at in breaks {
        let ends_crlf = start == at && bytes[at] == b'\n' && at > 0 && bytes[at - 1] == b'\r';
        if !ends_crlf {
            line(out, field, &bytes[start..at]);
        }
        start = at + 1;
    }
    line(out, field, &bytes[start..]);
}

/// How many bytes [`lines`] writes for `text`, unless it has CRLFs in it (then fewer).
pub(super) fn lines_len<const N: usize>(field: &[u8; N], text: &str) -> usize {
    let lines = memchr::memchr2_iter(b'\r', b'\n', text.as_bytes()).count() + 1;
    text.len() + lines * (field.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(text: &str) -> String {
        let mut out = Vec::new();
        lines(&mut out, DATA, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_kind_of_line_break_is_one_break() {
        assert_eq!(data("a\nb"), "data: a\ndata: b\n");
        assert_eq!(data("a\rb"), "data: a\ndata: b\n");
        assert_eq!(data("a\r\nb"), "data: a\ndata: b\n");
        assert_eq!(data("a\n\rb"), "data: a\ndata:\ndata: b\n");
        assert_eq!(data("a\r\r\nb"), "data: a\ndata:\ndata: b\n");
        assert_eq!(data("\r\n\r\n"), "data:\ndata:\ndata:\n");
    }

    #[test]
    fn a_trailing_break_and_empty_text_survive() {
        assert_eq!(data("a\n"), "data: a\ndata:\n");
        assert_eq!(data(""), "data:\n");
        assert_eq!(data("\n"), "data:\ndata:\n");
    }

    #[test]
    fn leading_spaces_survive_the_one_that_clients_remove() {
        assert_eq!(data("  a"), "data:   a\n");
    }

    #[cfg(feature = "json")]
    #[test]
    fn a_value_that_is_no_json_leaves_no_half_line_behind() {
        let raw = serde_json::value::RawValue::from_string("[1,\n2]".into()).unwrap();
        let no_json = std::collections::BTreeMap::from([(vec![1_u8], 1)]);
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, None, None, None);
        encoder.json(&(raw, no_json)).unwrap_err();
        encoder.text("instead");
        encoder.finish();
        assert_eq!(out, b"data: instead\n");
    }

    #[test]
    fn a_name_is_written_once_and_the_first_wins() {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, None, None, None);
        encoder.name("first").unwrap();
        encoder.name("second").unwrap();
        assert_eq!(encoder.name("a\nb"), Err(InvalidField::NameLineBreak));
        encoder.finish();
        assert_eq!(out, b"event: first\n");
    }
}
