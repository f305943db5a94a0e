//! Times as `tail` writes them.

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

#[cfg(test)]
mod tests {
    use super::*;

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
