//! Times, read and written.

use std::time::Duration;

/// `0.003`, `15.004`, `2:03.500`, `1:02:03.500`: whole milliseconds, the last digits below each
/// other.
pub(super) fn text(time: Duration) -> String {
    let (seconds, millis) = (time.as_secs(), time.subsec_millis());
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}.{millis:03}"),
        (0, _) => format!("{minutes}:{rest:02}.{millis:03}"),
        (_, _) => format!("{hours}:{minutes:02}:{rest:02}.{millis:03}"),
    }
}

/// A number with `ms`, `s`, `m` or `h`; without a unit it is seconds.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let units = [
        ("ms", 0.001),
        ("s", 1.0),
        ("m", 60.0),
        ("h", 3600.0),
        ("", 1.0),
    ];
    let read = units.into_iter().find_map(|(unit, seconds)| {
        let number: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        Duration::try_from_secs_f64(number * seconds).ok()
    });
    read.ok_or_else(|| "a time is a number and a unit, such as 10s, 500ms or 2m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_with_its_unit() {
        let cases = [
            ("10s", 10_000),
            ("500ms", 500),
            ("2m", 120_000),
            ("1.5h", 5_400_000),
            ("3", 3_000),
        ];
        for (text, millis) in cases {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "-1s", "10 days", "inf", "nan"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_is_written_to_the_millisecond() {
        let cases = [
            (3, "0.003"),
            (15_004, "15.004"),
            (123_500, "2:03.500"),
            (3_723_500, "1:02:03.500"),
        ];
        for (millis, expected) in cases {
            assert_eq!(text(Duration::from_millis(millis)), expected);
        }
    }
}
