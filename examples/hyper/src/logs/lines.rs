//! Cuts what a process writes into lines.

use std::borrow::Cow;

/// Takes bytes as they come, gives lines of text.
///
/// Bytes that are not UTF-8 become U+FFFD. A line of more than `max` bytes is cut, and says so.
#[derive(Debug)]
pub(super) struct Lines {
    max: usize,
    /// The beginning of a line that has not ended.
    open: Vec<u8>,
    /// How many bytes of that line were too many.
    cut: usize,
}

impl Lines {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            open: Vec::new(),
            cut: 0,
        }
    }

    /// Hands the lines that these bytes complete to `take`.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut take: impl FnMut(String)) {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            self.add(&bytes[..end]);
            take(self.close());
            bytes = &bytes[end + 1..];
        }
        self.add(bytes);
    }

    /// What was written behind the last line break, if anything was.
    pub(super) fn finish(mut self) -> Option<String> {
        (!self.open.is_empty()).then(|| self.close())
    }

    fn add(&mut self, bytes: &[u8]) {
        let room = (self.max - self.open.len()).min(bytes.len());
        self.open.extend_from_slice(&bytes[..room]);
        self.cut += bytes.len() - room;
    }

    fn close(&mut self) -> String {
        let line = if self.cut > 0 {
            let whole = end_of_last_char(&self.open);
            let cut = self.cut + self.open.len() - whole;
            format!("{} [{cut} bytes cut]", lossy(&self.open[..whole]))
        } else {
            let line = self.open.strip_suffix(b"\r").unwrap_or(&self.open);
            lossy(line).into_owned()
        };
        self.open.clear();
        self.cut = 0;
        line
    }
}

fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Where to cut so that no character is.
fn end_of_last_char(bytes: &[u8]) -> usize {
    match bytes.utf8_chunks().last() {
        // Up to three bytes that more bytes might have completed.
        Some(chunk) => bytes.len() - chunk.invalid().len(),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(max: usize, pieces: &[&[u8]]) -> Vec<String> {
        let mut found = Vec::new();
        let mut lines = Lines::new(max);
        for piece in pieces {
            lines.feed(piece, |line| found.push(line));
        }
        found.extend(lines.finish());
        found
    }

    #[test]
    fn lines_come_whole_however_they_are_delivered() {
        let text = "one\r\n\ntwö\nthree".as_bytes();
        let expected = ["one", "", "twö", "three"];
        assert_eq!(lines_of(99, &[text]), expected);
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(lines_of(99, &bytes), expected);
    }

    #[test]
    fn a_break_at_the_end_begins_no_line() {
        assert_eq!(lines_of(99, &[b"one\n"]), ["one"]);
        assert!(lines_of(99, &[]).is_empty());
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_shown_as_such() {
        assert_eq!(lines_of(99, &[b"a\xffb\n"]), ["a\u{fffd}b"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_between_characters_and_says_so() {
        assert_eq!(
            lines_of(4, &[b"1234\n12345\nx"]),
            ["1234", "1234 [1 bytes cut]", "x"]
        );
        assert_eq!(lines_of(4, &["123ä\n".as_bytes()]), ["123 [2 bytes cut]"]);
        let endless = vec![b'x'; 100_000];
        assert_eq!(
            lines_of(2, &[&endless, &endless]),
            ["xx [199998 bytes cut]"]
        );
    }
}
