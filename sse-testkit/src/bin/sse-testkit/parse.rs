//! What people write on the command line.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

/// A time: `500ms`, `20s`, `1.5s`, `2m`, `1h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let (number, unit) = text.split_at(digits.len());
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("write a time as 500ms, 20s or 2m".to_owned()),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| format!("{number:?} is no number"))?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| error.to_string())
}

/// A header: `name: value`.
pub(crate) fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| "write a header as 'name: value'".to_owned())?;
    let (name, value) = (name.trim(), value.trim());
    Ok((
        name.parse()
            .map_err(|_| format!("{name:?} is no header name"))?,
        HeaderValue::from_str(value).map_err(|_| format!("{value:?} can't stand in a header"))?,
    ))
}

/// The name of a file of text, for what is in it.
pub(crate) fn text_file(path: &str) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;

    use super::*;

    #[test]
    fn times_have_a_unit() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("1.5h"), Ok(Duration::from_secs(5400)));
        for wrong in [
            "", "20", "s", "-1s", "1e300s", "NaNs", "1 s", "10 days", "inf",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_header_is_split_at_the_first_colon() {
        let header = |text| super::header(text).ok();
        let expected = (AUTHORIZATION, HeaderValue::from_static("a:b"));
        assert_eq!(header("Authorization: a:b"), Some(expected));
        for wrong in ["nothing", ": x", "a b: c", "a: b\nc"] {
            assert_eq!(header(wrong), None, "{wrong}");
        }
    }
}
