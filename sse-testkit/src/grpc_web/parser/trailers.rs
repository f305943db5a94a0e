//! The payload of a trailer frame: what HTTP/1 would send as a block of headers.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::ParseError;

/// Takes CRLF or LF as the end of a line, which the last one may lack, and any space around values.
pub(super) fn parse(block: &[u8]) -> Result<HeaderMap, ParseError> {
    let mut trailers = HeaderMap::new();
    for line in block.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let Some((name, value)) = trailer(line) else {
            let line = String::from_utf8_lossy(line).into_owned();
            return Err(ParseError::BadTrailer { line });
        };
        if trailers.try_append(name, value).is_err() {
            return Err(ParseError::TooManyTrailers);
        }
    }
    Ok(trailers)
}

/// The name comes out in lower case, whatever was sent.
fn trailer(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = HeaderName::from_bytes(line[..colon].trim_ascii()).ok()?;
    let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
    Some((name, value))
}
