//! What people write on the command line, alike for each command.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

/// An address; `http://` may be left out.
pub(crate) fn url(text: &str) -> String {
    // There may be another address in the query.
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    match scheme.is_some_and(|scheme| !scheme.contains(['/', '?'])) {
        true => text.to_owned(),
        false => format!("http://{text}"),
    }
}

/// A number with `ms`, `s`, `m` or `h`; without a unit it is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
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

/// A header: `name: value`.
pub(crate) fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("a header is 'name: value'")?;
    let name = name.trim();
    let name = name
        .parse()
        .map_err(|_| format!("{name:?} is no header name"))?;
    let value = HeaderValue::from_str(value.trim());
    Ok((
        name,
        value.map_err(|_| "the value can't stand in a header")?,
    ))
}

/// The content of a file, or of the standard input for `-`.
pub(crate) fn body(path: &Path) -> Result<Vec<u8>, String> {
    let body = match path == Path::new("-") {
        true => {
            let mut body = Vec::new();
            let read = std::io::stdin().read_to_end(&mut body);
            read.map(|_| body)
        }
        false => std::fs::read(path),
    };
    body.map_err(|error| format!("can't read {}: {error}", path.display()))
}

/// The name of a file of text, for what is in it.
pub(crate) fn text_file(path: &str) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn http_may_be_left_out() {
        assert_eq!(url("localhost:3000/a?b=c"), "http://localhost:3000/a?b=c");
        assert_eq!(url("a/?from=http://b/"), "http://a/?from=http://b/");
        assert_eq!(url("http://a/"), "http://a/");
        assert_eq!(url("https://a/"), "https://a/");
    }

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
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "-1s", "10 days", "inf", "nan", "1e300s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_header_is_split_at_the_first_colon() {
        let (name, value) = header("Authorization:  a:b").unwrap();
        assert_eq!(
            (name.as_str(), &value),
            ("authorization", &"a:b".parse().unwrap())
        );
        for wrong in ["nothing", "a b: c", ": c", "a: b\nc"] {
            assert!(header(wrong).is_err(), "{wrong}");
        }
    }
}
