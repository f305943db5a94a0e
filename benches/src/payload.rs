use std::hint::black_box;

use serde::Serialize;

/// The kinds of event that are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// 100 bytes of text.
    Text,
    /// 100 bytes of text, with an id and a name.
    NamedText,
    /// A struct of five fields, as JSON.
    Json,
    /// 1 KiB of text in 16 lines.
    Lines,
}

impl Payload {
    /// All of them, in the order in which tables show them.
    pub const ALL: [Self; 4] = [Self::Text, Self::NamedText, Self::Json, Self::Lines];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text-100B",
            Self::NamedText => "text-100B-id-name",
            Self::Json => "json-5-fields",
            Self::Lines => "text-1KiB-16-lines",
        }
    }
}

/// The id of events that have one, as a number.
pub const ID: u64 = 1_234_567;

/// The same id, for those that take text.
pub(crate) const ID_TEXT: &str = "1234567";

/// The name of events that have one.
pub const EVENT_NAME: &str = "stockUpdate";

const TEXT: &str = "0123456789012345678901234567890123456789012345678901234567890123456789\
                    012345678901234567890123456789";

const LINES: &str = concat!(
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
);

/// 100 bytes in one line, of which the compiler knows nothing.
#[inline]
pub fn text() -> &'static str {
    black_box(TEXT)
}

/// 1 KiB in 16 lines, of which the compiler knows nothing.
#[inline]
pub fn lines() -> &'static str {
    black_box(LINES)
}

/// What is sent as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Quote {
    symbol: &'static str,
    price: f64,
    volume: u64,
    sequence: u64,
    halted: bool,
}

/// A quote, of which the compiler knows nothing.
#[inline]
pub fn quote() -> Quote {
    black_box(Quote {
        symbol: "ACME",
        price: 1234.56,
        volume: 1_000_200,
        sequence: ID,
        halted: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_have_the_size_in_their_names() {
        assert_eq!(text().len(), 100);
        assert_eq!(lines().len(), 1024);
        assert_eq!(lines().lines().count(), 16);
        assert_eq!(ID.to_string(), ID_TEXT);
    }
}
