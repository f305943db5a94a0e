use std::{fmt, str::FromStr};

use compact_str::CompactString;

use crate::error::InvalidField;

/// The id of an event: what a client sends back as `Last-Event-ID` when it reconnects.
///
/// Any UTF-8 text without CR, LF and NUL. An empty id tells the client to forget the last one
/// ([WHATWG HTML, 9.2.6](https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation)).
/// Up to 24 bytes are kept without an allocation.
///
/// ```
/// use sse_layer::EventId;
///
/// assert_eq!(EventId::new("order-7")?.as_str(), "order-7");
/// assert_eq!(EventId::from(42_u64).as_str(), "42");
/// assert!(EventId::new("7\ndata: injected").is_err());
/// # Ok::<(), sse_layer::InvalidField>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(CompactString);

impl EventId {
    /// Checks and takes an id.
    ///
    /// # Errors
    ///
    /// [`InvalidField`] for a CR, LF or NUL in it.
    pub fn new(id: impl AsRef<str>) -> Result<Self, InvalidField> {
        let id = id.as_ref();
        match memchr::memchr3(b'\r', b'\n', 0, id.as_bytes()) {
            None => Ok(Self(CompactString::new(id))),
            Some(at) if id.as_bytes()[at] == 0 => Err(InvalidField::IdNul),
            Some(_) => Err(InvalidField::IdLineBreak),
        }
    }

    /// The id as text.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for EventId {
    #[inline]
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for EventId {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for EventId {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl FromStr for EventId {
    type Err = InvalidField;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::new(id)
    }
}

impl TryFrom<&str> for EventId {
    type Error = InvalidField;

    fn try_from(id: &str) -> Result<Self, Self::Error> {
        Self::new(id)
    }
}

impl TryFrom<String> for EventId {
    type Error = InvalidField;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        Self::new(id)
    }
}

/// As text, such as for an answer that tells under which id something was published.
#[cfg(feature = "json")]
impl serde::Serialize for EventId {
    fn serialize<S>(&self, serializer: S) -> Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        serializer.serialize_str(&self.0)
    }
}

macro_rules! id_from_integer {
    ($($integer:ty),*) => {$(
        impl From<$integer> for EventId {
            #[inline]
            fn from(id: $integer) -> Self {
                Self(CompactString::new(itoa::Buffer::new().format(id)))
            }
        }
    )*};
}

id_from_integer!(
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_and_nul_are_refused_by_name() {
        assert_eq!(EventId::new("a\rb"), Err(InvalidField::IdLineBreak));
        assert_eq!(EventId::new("a\nb"), Err(InvalidField::IdLineBreak));
        assert_eq!(EventId::new("a\0b"), Err(InvalidField::IdNul));
    }

    #[test]
    fn any_other_text_is_an_id_even_an_empty_one() {
        for id in ["", " ", "0", "é", "\u{2028}", "\u{feff}x", "a: b"] {
            assert_eq!(EventId::new(id).unwrap().as_str(), id);
        }
    }

    #[cfg(feature = "json")]
    #[test]
    fn an_id_in_json_is_text() {
        let id = serde_json::to_string(&EventId::from(7)).unwrap();
        assert_eq!(id, r#""7""#);
    }

    #[test]
    fn integers_are_ids_in_decimal() {
        assert_eq!(EventId::from(u64::MAX), "18446744073709551615");
        assert_eq!(EventId::from(-1_i64), "-1");
    }
}
