//! Event streams, taken apart as they come: what is counted, and who said when.

use std::sync::LazyLock;

use memchr::{memchr2, memmem::Finder};

use super::Fault;

/// A line that is longer is kept no further.
const LONGEST_LINE: usize = 1024 * 1024;

static SEQUENCE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""sequence":"#));
static SENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""sent":"#));

/// One event stream on its way in.
///
/// Only a line that arrives in pieces is kept.
#[derive(Debug, Default)]
pub struct Events {
    partial: Vec<u8>,
    note: Note,
    in_event: bool,
    after_return: bool,
}

/// What an event's data says of itself, so that a lost, doubled or late one is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// The number after `"sequence":`.
    pub sequence: Option<u64>,
    /// The number after `"sent":`, in the sender's own time; 0 where there is none.
    pub sent: u64,
}

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A comment, which is what heartbeats are.
    Comment,
    /// An event, that is a block with data.
    Event(Note),
}

impl Events {
    /// Hands what is complete in `bytes` to `take`.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`] if a line has no end.
    pub fn read(&mut self, mut bytes: &[u8], mut take: impl FnMut(Sign)) -> Result<(), Fault> {
        while !bytes.is_empty() {
            if self.after_return {
                self.after_return = false;
                if let Some(rest) = bytes.strip_prefix(b"\n") {
                    bytes = rest;
                    continue;
                }
            }
            let Some(end) = memchr2(b'\n', b'\r', bytes) else {
                self.partial.extend_from_slice(bytes);
                if self.partial.len() > LONGEST_LINE {
                    return Err(Fault::Malformed("a line without an end"));
                }
                break;
            };
            let line = &bytes[..end];
            let sign = if self.partial.is_empty() {
                self.line(line)
            } else {
                // Given back at once: an idle stream keeps nothing.
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(line);
                self.line(&whole)
            };
            if let Some(sign) = sign {
                take(sign);
            }
            self.after_return = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Option<Sign> {
        match line {
            [] => {
                let note = std::mem::take(&mut self.note);
                std::mem::take(&mut self.in_event).then_some(Sign::Event(note))
            }
            [b':', ..] => Some(Sign::Comment),
            _ => {
                if let Some(data) = line.strip_prefix(b"data")
                    && (data.is_empty() || data.starts_with(b":"))
                {
                    self.in_event = true;
                    if self.note.sequence.is_none() {
                        self.note = Note::read(data);
                    }
                }
                None
            }
        }
    }
}

impl Note {
    /// What an event's data says.
    pub fn read(data: &[u8]) -> Self {
        match number_after(&SEQUENCE, data) {
            None => Self::default(),
            sequence => Self {
                sequence,
                sent: number_after(&SENT, data).unwrap_or(0),
            },
        }
    }
}

fn number_after(name: &Finder<'_>, data: &[u8]) -> Option<u64> {
    let start = name.find(data)? + name.needle().len();
    let digits = data[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    digits.fold(None, |number, digit| {
        Some(
            number
                .unwrap_or(0_u64)
                .wrapping_mul(10)
                .wrapping_add(u64::from(digit - b'0')),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<Sign> {
        let (mut events, mut signs) = (Events::default(), Vec::new());
        for piece in pieces {
            events.read(piece, |sign| signs.push(sign)).unwrap();
        }
        assert_eq!(events.partial.capacity(), 0, "nothing is kept");
        signs
    }

    fn event(sequence: u64, sent: u64) -> Sign {
        Sign::Event(Note {
            sequence: Some(sequence),
            sent,
        })
    }

    const BARE: Sign = Sign::Event(Note {
        sequence: None,
        sent: 0,
    });

    #[test]
    fn events_and_heartbeats_are_told_however_they_are_split() {
        for line_end in ["\n", "\r\n", "\r"] {
            let stream =
                ":\n\nid: 7\n\nevent: a\ndata: {\"sequence\":12,\"sent\":345}\n\n: ping\n\n\
                          data\ndata: x\n\ndatabase: no\n\nretry: 3\n\n"
                    .replace('\n', line_end);
            let stream = stream.as_bytes();
            let expected = [Sign::Comment, event(12, 345), Sign::Comment, BARE];
            for first in 0..=stream.len() {
                for second in first..=stream.len() {
                    let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
                    assert_eq!(read(&pieces), expected, "split at {first} and {second}");
                }
            }
        }
    }

    #[test]
    fn an_event_of_many_lines_is_one() {
        assert_eq!(
            read(&[b"data: {\ndata: \"sequence\":3}\ndata: x\n\n"]),
            [event(3, 0)]
        );
    }

    #[test]
    fn a_note_does_not_outlive_its_event() {
        assert_eq!(
            read(&[b"data: {\"sequence\":3,\"sent\":4}\n\ndata: x\n\n"]),
            [event(3, 4), BARE]
        );
    }

    #[test]
    fn a_sequence_without_a_number_is_none() {
        assert_eq!(read(&[b"data: {\"sequence\":null}\n\n"]), [BARE]);
    }

    #[test]
    fn a_line_without_an_end_is_refused() {
        let mut events = Events::default();
        let piece = vec![b'x'; LONGEST_LINE];
        assert!(events.read(&piece, |_| {}).is_ok());
        assert!(events.read(&piece, |_| {}).is_err());
    }
}
