//! Bytes to lines: LF, CR and CRLF, wherever the chunks are cut.

use super::ParseError;

#[derive(Debug, Clone)]
pub(super) struct Lines {
    pub(super) limit: usize,
    buffer: Vec<u8>,
    /// The last line ended with CR, so that an LF right after it belongs to that line's end.
    swallow_lf: bool,
    first: bool,
}

impl Lines {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            buffer: Vec::new(),
            swallow_lf: false,
            first: true,
        }
    }

    /// Takes bytes off the front of `input` up to the end of a line; `None` when they don't reach.
    pub(super) fn next(&mut self, input: &mut &[u8]) -> Result<Option<String>, ParseError> {
        if self.swallow_lf && !input.is_empty() {
            self.swallow_lf = false;
            *input = input.strip_prefix(b"\n").unwrap_or(input);
        }
        let end = input.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let part = &input[..end.unwrap_or(input.len())];
        if self.buffer.len() + part.len() > self.limit {
            return Err(ParseError::LineTooLong { limit: self.limit });
        }
        self.buffer.extend_from_slice(part);

        let Some(end) = end else {
            *input = &[];
            return Ok(None);
        };
        self.swallow_lf = input[end] == b'\r';
        *input = &input[end + 1..];
        Ok(Some(self.take_line()))
    }

    pub(super) fn into_rest(mut self) -> String {
        self.take_line()
    }

    /// Decodes only whole lines: a character is never split by a line end, but may be by a chunk.
    fn take_line(&mut self) -> String {
        let mut bytes = std::mem::take(&mut self.buffer);
        if std::mem::take(&mut self.first) && bytes.starts_with(b"\xEF\xBB\xBF") {
            bytes.drain(..3);
        }
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}
