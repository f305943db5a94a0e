//! Where in a hub's sequence of messages something stands.

use std::{fmt, time::SystemTime};

use crate::event::EventId;

/// What tells the ids of one hub from those of another, or of the same program before a restart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Epoch(u64);

/// How many of an epoch's bits are chance; the others are the time in milliseconds.
const RANDOM_BITS: u32 = 22;

/// The hexadecimal digits of an epoch.
const EPOCH_LEN: usize = 16;

impl Epoch {
    /// One that no other hub has: from the time, and from chance for two that begin together.
    pub(super) fn new() -> Self {
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        Self((millis << RANDOM_BITS) | fastrand::u64(..1 << RANDOM_BITS))
    }

    pub(super) const fn of(epoch: u64) -> Self {
        Self(epoch)
    }

    pub(super) const fn number(self) -> u64 {
        self.0
    }

    pub(super) fn id(self, sequence: u64) -> EventId {
        let mut line = [0; ID_LINE_MAX];
        let start = self.write_id_line(sequence, &mut line);
        let id = &line[start + ID_FIELD.len()..ID_LINE_MAX - 1];
        // Digits, letters and a dash.
        EventId::new(String::from_utf8_lossy(id)).unwrap_or_else(|_| EventId::from(sequence))
    }

    /// Writes the line that gives an event its id, up to the end of the room for it. Answers where
    /// it begins.
    pub(super) fn write_id_line(self, sequence: u64, room: &mut [u8; ID_LINE_MAX]) -> usize {
        let mut start = ID_LINE_MAX;
        let mut put = |bytes: &[u8]| {
            let end = start;
            start -= bytes.len();
            room[start..end].copy_from_slice(bytes);
        };
        put(b"\n");
        put(itoa::Buffer::new().format(sequence).as_bytes());
        put(b"-");
        let mut epoch = [0; EPOCH_LEN];
        for (at, digit) in epoch.iter_mut().enumerate() {
            let shift = 4 * (EPOCH_LEN - 1 - at);
            *digit = b"0123456789abcdef"[(self.0 >> shift) as usize & 0xf];
        }
        put(&epoch);
        put(ID_FIELD);
        start
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

const ID_FIELD: &[u8] = b"id: ";

/// The longest line that gives an event its id.
pub(super) const ID_LINE_MAX: usize = ID_FIELD.len() + EPOCH_LEN + 1 + 20 + 1;

/// Reads an id as a hub writes it, and in no other form.
pub(super) fn parse(id: &str) -> Option<(Epoch, u64)> {
    let (epoch, sequence) = id.split_once('-')?;
    let is_lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if epoch.len() != EPOCH_LEN || !epoch.bytes().all(is_lower_hex) {
        return None;
    }
    let has_leading_zero = sequence.len() > 1 && sequence.starts_with('0');
    if has_leading_zero || !sequence.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let epoch = u64::from_str_radix(epoch, 16).ok()?;
    Some((Epoch(epoch), sequence.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written() {
        for sequence in [0, 1, 41, u64::MAX] {
            for epoch in [
                Epoch::of(0),
                Epoch::of(0xabc),
                Epoch::of(u64::MAX),
                Epoch::new(),
            ] {
                let id = epoch.id(sequence);
                assert_eq!(parse(id.as_str()), Some((epoch, sequence)), "{id}");
            }
        }
        assert_eq!(Epoch::of(0xabc).id(41), "0000000000000abc-41");
    }

    #[test]
    fn the_line_stands_at_the_end_of_its_room() {
        let mut room = [0; ID_LINE_MAX];
        let start = Epoch::of(1).write_id_line(7, &mut room);
        assert_eq!(&room[start..], b"id: 0000000000000001-7\n");
        assert_eq!(Epoch::of(1).write_id_line(u64::MAX, &mut room), 0);
    }

    #[test]
    fn no_other_form_is_an_id() {
        for garbage in [
            "",
            "-",
            "41",
            "0000000000000abc",
            "0000000000000abc-",
            "0000000000000abc--1",
            "0000000000000abc-+1",
            "0000000000000abc-041",
            "0000000000000abc-41 ",
            "0000000000000ABC-41",
            "+000000000000abc-41",
            "abc-41",
            "00000000000000abc-41",
            "0000000000000abc-18446744073709551616",
            "0000000000000abc-٤",
            "ééééébc-41",
        ] {
            assert_eq!(parse(garbage), None, "{garbage:?}");
        }
    }

    #[test]
    fn two_hubs_of_one_moment_differ() {
        let epochs: Vec<_> = (0..100).map(|_| Epoch::new().0).collect();
        let mut different = epochs.clone();
        different.sort_unstable();
        different.dedup();
        // By chance two of a hundred are the same once in a thousand runs, three never.
        assert!(different.len() >= 99, "{epochs:?}");
    }
}
