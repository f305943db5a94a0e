//! Where in a foreign stream something may be put in.

/// What the bytes so far end with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Boundary {
    /// Nothing that a further block would become part of.
    Block,
    /// A complete line of a block that goes on.
    Line,
    /// The middle of a line, or a CR that an LF may belong to.
    Inside,
    /// Nobody knows: the bytes are not text. Nothing may be put in, and any place is as good to
    /// end as another.
    Opaque,
}

/// Follows a stream as its parser would, in pieces of any size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    place: Place,
    /// Whether the block has a field that its blank line will act on. Comments are none, and a
    /// `retry` acts at once.
    has_fields: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    LineStart,
    /// At a line's start behind a CR: an LF belongs to that.
    AfterCr,
    /// In a line that leaves nothing for the blank line.
    Comment,
    /// In a line that begins with so many bytes of `retry:`.
    Retry(u8),
    Field,
}

const RETRY: &[u8] = b"retry:";

impl Position {
    pub(super) const START: Self = Self {
        place: Place::LineStart,
        has_fields: false,
    };

    pub(super) fn boundary(self) -> Boundary {
        match (self.place, self.has_fields) {
            // Even if the LF of a CRLF follows: it ends a block that has nothing in it.
            (Place::LineStart | Place::AfterCr, false) => Boundary::Block,
            (Place::LineStart, true) => Boundary::Line,
            _ => Boundary::Inside,
        }
    }

    /// Moves on behind these further bytes. Answers how many blocks end in them that had a field
    /// for the blank line to act on.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> u64 {
        let mut blocks = 0;
        let mut rest = bytes;
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            self.place = match (self.place, byte) {
                (Place::AfterCr, b'\n') => Place::LineStart,
                (Place::LineStart | Place::AfterCr, b'\n' | b'\r') => {
                    blocks += u64::from(std::mem::take(&mut self.has_fields));
                    line_end(byte)
                }
                (place, b'\n' | b'\r') => {
                    self.has_fields |= place != Place::Comment;
                    line_end(byte)
                }
                (Place::LineStart | Place::AfterCr, b':') => Place::Comment,
                (Place::LineStart | Place::AfterCr, b'r') => Place::Retry(1),
                (Place::Retry(matched), _) if byte == RETRY[usize::from(matched)] => {
                    if usize::from(matched) + 1 == RETRY.len() {
                        Place::Comment
                    } else {
                        Place::Retry(matched + 1)
                    }
                }
                (place @ (Place::Comment | Place::Field), _) => {
                    // Nothing in the rest of the line matters.
                    let end = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                    rest = &rest[end..];
                    place
                }
                _ => Place::Field,
            };
        }
        blocks
    }
}

fn line_end(byte: u8) -> Place {
    if byte == b'\r' {
        Place::AfterCr
    } else {
        Place::LineStart
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(bytes: &str) -> Boundary {
        let mut position = Position::START;
        position.advance(bytes.as_bytes());
        position.boundary()
    }

    fn blocks(bytes: &str) -> u64 {
        let mut position = Position::START;
        position.advance(bytes.as_bytes())
    }

    #[test]
    fn blocks_count_when_they_end_and_have_a_field() {
        assert_eq!(blocks(":\n\n: text\nretry: 5\n\n\n"), 0);
        assert_eq!(blocks("data: a\n"), 0);
        assert_eq!(blocks("data: a\ndata: b\n\n"), 1);
        assert_eq!(blocks("data: a\r\n\r\n:\r\rid: 5\r\rdata: c"), 2);
    }

    #[test]
    fn every_kind_of_line_end_is_known() {
        assert_eq!(after(""), Boundary::Block);
        assert_eq!(after("data: a"), Boundary::Inside);
        assert_eq!(after("data: a\n"), Boundary::Line);
        assert_eq!(after("data: a\r\n"), Boundary::Line);
        for end in [
            "\n\n", "\r\n\r\n", "\r\r", "\n\r", "\r\n\n", "\r\n\r", "\n\r\n",
        ] {
            assert_eq!(after(&format!("data: a{end}")), Boundary::Block, "{end:?}");
            assert_eq!(after(end), Boundary::Block, "{end:?}");
        }
    }

    #[test]
    fn behind_a_cr_in_a_block_an_lf_may_follow() {
        assert_eq!(after("data: a\r"), Boundary::Inside);
        assert_eq!(after("data: a\r\n\r"), Boundary::Block);
    }

    #[test]
    fn comments_and_retries_begin_no_block() {
        for line in [":", ": text", "retry: 5", "retry:", ":\n:", "retry: 5\n: a"] {
            assert_eq!(after(&format!("{line}\n")), Boundary::Block, "{line:?}");
            assert_eq!(after(line), Boundary::Inside, "{line:?}");
            assert_eq!(
                after(&format!("id: 1\n{line}\n")),
                Boundary::Line,
                "{line:?}"
            );
        }
        for line in ["retry", "retr", "r", "retrying: 5", "retry 5", " : a", "id"] {
            assert_eq!(after(&format!("{line}\n")), Boundary::Line, "{line:?}");
        }
    }

    #[test]
    fn pieces_of_any_size_give_what_the_whole_gives() {
        let text =
            "data: a\r\ndata: b\n\n:\r\rretry: 5\r\rdata: c\r\n\r\nid: 1\rretryx\n\r\n\n\nz\n";
        for from in 0..text.len() {
            for to in from..text.len() {
                let mut position = Position::START;
                let in_pieces = position.advance(&text.as_bytes()[..from])
                    + position.advance(&text.as_bytes()[from..to]);
                assert_eq!(in_pieces, blocks(&text[..to]));
                assert_eq!(position.boundary(), after(&text[..to]), "{:?}", &text[..to]);
            }
        }
    }
}
