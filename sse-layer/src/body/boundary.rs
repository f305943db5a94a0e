//! Where in a foreign stream something may be put in.

/// What the bytes so far end with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Boundary {
    /// Nothing, or a complete block.
    Block,
    /// A complete line of a block that goes on.
    Line,
    /// A complete line if an LF does not follow: a CR in a block that goes on.
    LineOrHalfCrLf,
    /// The middle of a line.
    Inside,
}

impl Boundary {
    /// The boundary after these further bytes.
    pub(super) fn after(self, bytes: &[u8]) -> Self {
        // The last four bytes tell: what is before them is at most a line, and a blank line takes
        // at most the last CRLF after another.
        let (mut state, tail) = match bytes.len().checked_sub(4) {
            Some(start @ 1..) => (State::Inside, &bytes[start..]),
            _ => (State::from(self), bytes),
        };
        for &byte in tail {
            state = state.after(byte);
        }
        state.into()
    }
}

/// A parser's view of line ends, byte by byte.
#[derive(Clone, Copy)]
enum State {
    BlankLine,
    LineEnd,
    /// Behind a CR that ended a line; an LF right after it belongs to it.
    LineEndCr,
    Inside,
}

impl State {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::LineEndCr, b'\n') => Self::LineEnd,
            // An LF behind a blank line is one more blank line, or the rest of its CRLF.
            (Self::BlankLine, b'\n' | b'\r') => Self::BlankLine,
            (Self::LineEnd | Self::LineEndCr, b'\r') | (Self::LineEnd, b'\n') => Self::BlankLine,
            (Self::Inside, b'\r') => Self::LineEndCr,
            (Self::Inside, b'\n') => Self::LineEnd,
            _ => Self::Inside,
        }
    }
}

impl From<Boundary> for State {
    fn from(boundary: Boundary) -> Self {
        match boundary {
            Boundary::Block => Self::BlankLine,
            Boundary::Line => Self::LineEnd,
            Boundary::LineOrHalfCrLf => Self::LineEndCr,
            Boundary::Inside => Self::Inside,
        }
    }
}

impl From<State> for Boundary {
    fn from(state: State) -> Self {
        match state {
            State::BlankLine => Self::Block,
            State::LineEnd => Self::Line,
            State::LineEndCr => Self::LineOrHalfCrLf,
            State::Inside => Self::Inside,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(bytes: &str) -> Boundary {
        Boundary::Block.after(bytes.as_bytes())
    }

    #[test]
    fn every_kind_of_line_end_is_known() {
        assert_eq!(after(""), Boundary::Block);
        assert_eq!(after("data: a"), Boundary::Inside);
        assert_eq!(after("data: a\n"), Boundary::Line);
        assert_eq!(after("data: a\r\n"), Boundary::Line);
        assert_eq!(after("data: a\r"), Boundary::LineOrHalfCrLf);
        for end in ["\n\n", "\r\n\r\n", "\r\r", "\n\r", "\r\n\n", "\r\n\r", "\n\r\n"] {
            assert_eq!(after(&format!("data: a{end}")), Boundary::Block, "{end:?}");
            assert_eq!(after(end), Boundary::Block, "{end:?}");
        }
    }

    #[test]
    fn pieces_of_any_size_give_what_the_whole_gives() {
        let text = "data: a\r\ndata: b\n\n:\r\rdata: c\r\n\r\nid: 1\rdata: x\n\r\n\n\nz\n";
        for from in 0..text.len() {
            for to in from..text.len() {
                let whole = after(&text[..to]);
                assert_eq!(after(&text[..from]).after(&text.as_bytes()[from..to]), whole);
            }
        }
        let by_byte = text.bytes().fold(Boundary::Block, |at, byte| at.after(&[byte]));
        assert_eq!(by_byte, after(text));
    }

    #[test]
    fn an_lf_after_a_cr_that_ended_a_line_is_no_blank_line() {
        assert_eq!(after("data: a\r").after(b"\n"), Boundary::Line);
        assert_eq!(after("data: a\r\n").after(b"\n"), Boundary::Block);
    }
}
