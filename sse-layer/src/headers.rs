//! The response head of an event stream, and the request head of one who wants it.

use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE},
};

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// Caches must ask again, and proxies must not transform: recompressing holds events back
/// (RFC 9111, 5.2.2.6).
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache, no-transform");

/// Read by nginx and those that follow it: don't gather a response before passing it on.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The head of a stream that we render. What the handler set wins, but for the content type.
///
/// Room is made for what is set here and no more: hyper keeps a response's map for the next
/// request's headers, and with it 650 bytes a connection where it grew by itself.
pub(crate) fn render(headers: &mut HeaderMap) {
    headers.reserve(3);
    headers.insert(CONTENT_TYPE, EVENT_STREAM);
    complete(headers);
}

/// The head of a stream that somebody else rendered.
pub(crate) fn complete(headers: &mut HeaderMap) {
    insert_missing(headers, CACHE_CONTROL, NO_CACHE);
    insert_missing(headers, X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    headers.remove(CONTENT_LENGTH);
}

/// Unlike an entry, this makes no room for what is there.
fn insert_missing(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    if !headers.contains_key(&name) {
        headers.insert(name, value);
    }
}

/// Whether a response is an event stream. Browsers read those of status 200 only, other clients
/// any that says success.
pub(crate) fn is_event_stream(status: StatusCode, headers: &HeaderMap) -> bool {
    status.is_success()
        && headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| is_media_type(value.as_bytes()))
}

/// Whether the body's bytes are the stream's text, and not a compressed form of it.
pub(crate) fn is_plain_text(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Whether `Accept` lists `text/event-stream` by name, as every `EventSource` does.
pub(crate) fn accepts_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .any(|range| is_media_type(range) && !is_refused(range))
}

/// A weight of zero, `q=0` or `q=0.000`, says "anything but this" (RFC 9110, 12.4.2).
fn is_refused(range: &[u8]) -> bool {
    range
        .split(|&byte| byte == b';')
        .skip(1)
        .map(<[u8]>::trim_ascii)
        .filter_map(|parameter| {
            parameter
                .strip_prefix(b"q=")
                .or(parameter.strip_prefix(b"Q="))
        })
        .any(|weight| weight.iter().all(|byte| matches!(byte, b'0' | b'.')))
}

fn is_media_type(value: &[u8]) -> bool {
    value
        .split(|&byte| byte == b';')
        .next()
        .is_some_and(|essence| {
            essence
                .trim_ascii()
                .eq_ignore_ascii_case(EVENT_STREAM.as_bytes())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(values: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT, HeaderValue::from_static(value));
        }
        accepts_event_stream(&headers)
    }

    #[test]
    fn accept_must_list_the_media_type_by_name() {
        assert!(accept(&["text/event-stream"]));
        assert!(accept(&["application/json, Text/Event-Stream;q=0.9"]));
        assert!(accept(&["text/html", "text/event-stream"]));
        assert!(accept(&["text/event-stream; q=0.001"]));
        assert!(!accept(&["text/event-stream;q=0", "text/html"]));
        assert!(!accept(&["text/event-stream; q=0.000"]));
        assert!(!accept(&["*/*"]));
        assert!(!accept(&["text/*", "text/event-streams"]));
        assert!(!accept(&[]));
    }

    #[test]
    fn a_stream_is_known_by_its_content_type_and_status() {
        let mut headers = HeaderMap::new();
        assert!(!is_event_stream(StatusCode::OK, &headers));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream; charset=utf-8"),
        );
        assert!(is_event_stream(StatusCode::OK, &headers));
        assert!(is_event_stream(StatusCode::CREATED, &headers));
        assert!(!is_event_stream(StatusCode::NOT_FOUND, &headers));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        assert!(!is_event_stream(StatusCode::OK, &headers));
    }

    #[test]
    fn what_the_handler_set_wins_but_for_the_content_type_and_the_length() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("5"));
        render(&mut headers);
        assert_eq!(headers[CONTENT_TYPE], "text/event-stream");
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        assert_eq!(headers["x-accel-buffering"], "no");
        assert!(!headers.contains_key(CONTENT_LENGTH));

        let mut headers = HeaderMap::new();
        render(&mut headers);
        assert_eq!(headers[CACHE_CONTROL], "no-cache, no-transform");
    }
}
