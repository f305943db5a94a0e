//! All the ways to cut bytes in two, and into single bytes.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;

use super::fault::Chaos;
use crate::failure::said;
use crate::recorder::Spot;

/// Calls the check with these bytes in one piece, then in all splits into two, then byte by byte.
///
/// For whatever takes bytes: the parser of a client, the reading of a request, a proxy. What the
/// check is given are the pieces in order; it fails by panicking, as an assertion does, and then
/// the split is in the message. For a check that has to await something, loop over [`splits`].
///
/// ```should_panic
/// use sse_testkit::chaos;
///
/// // A reader that takes each chunk for whole lines.
/// chaos::every_split("data: hello\n\n", |pieces| {
///     let lines = pieces.iter().flat_map(|piece| piece.split(|byte| *byte == b'\n'));
///     assert!(lines.into_iter().any(|line| line == b"data: hello"));
/// });
/// ```
///
/// # Panics
///
/// If the check does, with the first split that makes it panic.
#[track_caller]
pub fn every_split(bytes: impl AsRef<[u8]>, mut check: impl FnMut(&[Bytes])) {
    let spot = Spot::here();
    let bytes = bytes.as_ref();
    for (checked, split) in splits(bytes).enumerate() {
        // Nothing of the check is looked at after it has panicked.
        let outcome = catch_unwind(AssertUnwindSafe(|| check(split.pieces())));
        if let Err(panic) = outcome {
            let before = match checked {
                0 => "nothing was split yet: the check does not hold for the bytes as they are",
                1 => "in one piece they were read well",
                _ => "in one piece, and split at any place before, they were read well",
            };
            panic!(
                "{spot}: the check fails for these bytes, split like this\n\
                 split:    {split}\n\
                 because:  {}\n\
                 {before}\n",
                said(&*panic).replace('\n', "\n          "),
            );
        }
    }
}

/// The bytes in one piece, then all splits into two pieces, then one byte at a time.
pub fn splits(bytes: impl AsRef<[u8]>) -> impl Iterator<Item = Split> {
    let bytes = Bytes::copy_from_slice(bytes.as_ref());
    let whole = Split(vec![bytes.clone()]);
    let single = (bytes.len() > 2).then(|| {
        let bytes = bytes.clone();
        Split((0..bytes.len()).map(|at| bytes.slice(at..=at)).collect())
    });
    let two = (1..bytes.len()).map(move |at| Split(vec![bytes.slice(..at), bytes.slice(at..)]));
    std::iter::once(whole).chain(two).chain(single)
}

/// Bytes in pieces. As text it shows where they are split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split(Vec<Bytes>);

/// What is shown of the bytes on each side of a split.
const SHOWN: usize = 48;

impl Split {
    /// The pieces, in order.
    pub fn pieces(&self) -> &[Bytes] {
        &self.0
    }

    /// The faults that split a body with these bytes in the same way.
    pub fn chaos(&self) -> Chaos {
        let positions = self.0.iter().scan(0, |at, piece| {
            *at += piece.len() as u64;
            Some(*at)
        });
        super::split_at(positions)
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            [] => f.write_str("no bytes"),
            [whole] => write!(f, "{} in one piece", shown(whole)),
            [before, after] => {
                let all = before.len() + after.len();
                let cut = before.len().saturating_sub(SHOWN);
                let left = if cut > 0 { "... " } else { "" };
                let before_it = shown(&before[cut..]);
                write!(f, "{left}{before_it} | {}", shown(after))?;
                write!(f, " after {} of {all} bytes", before.len())
            }
            all => write!(f, "{} one byte at a time", shown(&all.concat())),
        }
    }
}

fn shown(bytes: &[u8]) -> String {
    let rest = bytes.len().saturating_sub(SHOWN);
    let dots = if rest > 0 { " ..." } else { "" };
    format!("\"{}\"{dots}", bytes[..bytes.len() - rest].escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(bytes: &str) -> Vec<String> {
        splits(bytes).map(|split| split.to_string()).collect()
    }

    #[test]
    fn each_split_is_there_once() {
        insta::assert_snapshot!(texts("a\r\nb").join("\n"), @r#"
        "a\r\nb" in one piece
        "a" | "\r\nb" after 1 of 4 bytes
        "a\r" | "\nb" after 2 of 4 bytes
        "a\r\n" | "b" after 3 of 4 bytes
        "a\r\nb" one byte at a time
        "#);
        assert_eq!(texts("ab").len(), 2, "byte by byte is the split into two");
        assert_eq!(texts("a").len(), 1);
        assert_eq!(texts("").len(), 1);
    }

    #[test]
    fn a_long_text_is_shown_around_the_split() {
        let text = "x".repeat(60) + &"y".repeat(60);
        let split = splits(text).nth(60).unwrap();
        insta::assert_snapshot!(split, @r#"... "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" | "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy" ... after 60 of 120 bytes"#);
    }
}
