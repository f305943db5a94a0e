use std::{fmt, str::FromStr};

use compact_str::CompactString;

use crate::error::InvalidField;

/// The name of an event: what a browser's `addEventListener` takes.
///
/// Any UTF-8 text without CR and LF. An event without a name, or with an empty one, arrives as
/// `message`. Up to 24 bytes are kept without an allocation.
///
/// ```
/// use sse_layer::EventName;
///
/// assert_eq!(EventName::new("stockUpdate")?.as_str(), "stockUpdate");
/// assert!(EventName::new("a\rdata: injected").is_err());
/// # Ok::<(), sse_layer::InvalidField>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventName(CompactString);

impl EventName {
    /// What tells of a gap unless a hub is set otherwise.
    #[cfg(feature = "hub")]
    pub(crate) const GAP: Self = Self(CompactString::const_new("gap"));

    /// Checks and takes a name.
    ///
    /// # Errors
    ///
    /// [`InvalidField::NameLineBreak`] for a CR or LF in it.
    pub fn new(name: impl AsRef<str>) -> Result<Self, InvalidField> {
        let name = name.as_ref();
        check(name)?;
        Ok(Self(CompactString::new(name)))
    }

    /// Takes a name of any length without ever allocating, clones included.
    ///
    /// # Errors
    ///
    /// [`InvalidField::NameLineBreak`] for a CR or LF in it.
    pub fn from_static(name: &'static str) -> Result<Self, InvalidField> {
        check(name)?;
        Ok(Self(CompactString::const_new(name)))
    }

    /// The name as text.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[inline]
pub(crate) fn check(name: &str) -> Result<(), InvalidField> {
    match memchr::memchr2(b'\r', b'\n', name.as_bytes()) {
        None => Ok(()),
        Some(_) => Err(InvalidField::NameLineBreak),
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for EventName {
    #[inline]
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for EventName {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for EventName {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl FromStr for EventName {
    type Err = InvalidField;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::new(name)
    }
}

impl TryFrom<&str> for EventName {
    type Error = InvalidField;

    fn try_from(name: &str) -> Result<Self, Self::Error> {
        Self::new(name)
    }
}

impl TryFrom<String> for EventName {
    type Error = InvalidField;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_are_refused() {
        for name in ["\r", "\n", "a\nb", "tail\r\n"] {
            assert_eq!(EventName::new(name), Err(InvalidField::NameLineBreak));
            assert_eq!(
                EventName::from_static(name),
                Err(InvalidField::NameLineBreak)
            );
        }
    }

    #[test]
    fn a_long_static_name_is_the_same_name() {
        let long = "a name well beyond the twenty-four bytes that fit inline";
        assert_eq!(EventName::from_static(long), EventName::new(long));
    }
}
