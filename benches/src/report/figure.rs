use serde::Serialize;

/// One of the things that a mode measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// Its name in JSON, which tells the unit there.
    pub key: &'static str,
    /// Its name for readers, without the unit.
    pub label: &'static str,
    /// How readers see it.
    #[serde(skip)]
    pub unit: Unit,
    /// Whether its ratio to the reference says something.
    #[serde(skip)]
    pub compared: bool,
}

/// How a figure is shown; in JSON it is in the plain unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes, shown as KiB.
    Kibibytes,
    /// Bytes, shown as MiB.
    Mebibytes,
    /// Bytes.
    Bytes,
    /// Nanoseconds.
    Nanoseconds,
    /// Nanoseconds, shown as µs.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// A number a second.
    PerSecond,
    /// A number a second, shown in millions.
    MillionsPerSecond,
    /// Bytes a second, shown as MiB/s.
    MebibytesPerSecond,
    /// A percentage.
    Percent,
    /// A number.
    Count,
    /// A number of which parts matter.
    Fraction,
}

impl Figure {
    /// A figure that is only told.
    pub const fn new(key: &'static str, label: &'static str, unit: Unit) -> Self {
        Self {
            key,
            label,
            unit,
            compared: false,
        }
    }

    /// A figure whose ratio to the reference is told too.
    pub const fn compared(key: &'static str, label: &'static str, unit: Unit) -> Self {
        Self {
            key,
            label,
            unit,
            compared: true,
        }
    }

    /// The name with the unit.
    pub fn title(&self) -> String {
        match self.unit.symbol() {
            "" => self.label.to_owned(),
            symbol => format!("{}, {symbol}", self.label),
        }
    }
}

impl Unit {
    /// What is written beside a number.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Kibibytes => "KiB",
            Self::Mebibytes => "MiB",
            Self::Bytes => "bytes",
            Self::Nanoseconds => "ns",
            Self::Microseconds => "µs",
            Self::Milliseconds => "ms",
            Self::PerSecond => "/s",
            Self::MillionsPerSecond => "M/s",
            Self::MebibytesPerSecond => "MiB/s",
            Self::Percent => "%",
            Self::Count | Self::Fraction => "",
        }
    }

    /// From the plain unit to the one that is shown.
    pub const fn scaled(self, value: f64) -> f64 {
        value
            / match self {
                Self::Kibibytes => 1024.0,
                Self::Mebibytes | Self::MebibytesPerSecond => 1024.0 * 1024.0,
                Self::Microseconds => 1000.0,
                Self::MillionsPerSecond => 1e6,
                Self::Bytes
                | Self::Nanoseconds
                | Self::Milliseconds
                | Self::PerSecond
                | Self::Percent
                | Self::Count
                | Self::Fraction => 1.0,
            }
    }

    /// The number as it is shown, to about three digits.
    pub fn show(self, value: f64) -> String {
        let value = self.scaled(value);
        let digits = match self {
            Self::Count | Self::PerSecond | Self::Bytes => 0,
            _ if value.abs() >= 99.95 => 0,
            _ if value.abs() >= 9.995 => 1,
            _ => 2,
        };
        group(&format!("{value:.digits$}"))
    }
}

/// Thousands apart by commas.
pub(crate) fn group(number: &str) -> String {
    let (whole, rest) = number.split_at(number.find('.').unwrap_or(number.len()));
    let (sign, whole) = match whole.strip_prefix('-') {
        Some(whole) => ("-", whole),
        None => ("", whole),
    };
    if sign == "-" && number.chars().all(|c| !c.is_ascii_digit() || c == '0') {
        return group(&number[1..]);
    }
    let mut grouped = sign.to_owned();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_to_about_three_digits() {
        assert_eq!(Unit::Kibibytes.show(12.24 * 1024.0), "12.2");
        assert_eq!(Unit::Microseconds.show(9_876.0), "9.88");
        assert_eq!(Unit::PerSecond.show(1_234_567.4), "1,234,567");
        assert_eq!(Unit::Milliseconds.show(123.4), "123");
        assert_eq!(Unit::Milliseconds.show(99.97), "100");
        assert_eq!(Unit::Milliseconds.show(9.997), "10.0");
        assert_eq!(Unit::Count.show(0.0), "0");
        assert_eq!(Unit::Kibibytes.show(-1.0), "0.00");
        assert_eq!(Unit::Kibibytes.show(-3072.0), "-3.00");
    }
}
