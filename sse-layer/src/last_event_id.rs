//! Where a client wants to go on.

use http::{Extensions, HeaderMap, HeaderName, Request, Uri, request::Parts};

use crate::event::EventId;

const HEADER: HeaderName = HeaderName::from_static("last-event-id");
const PARAMETER: &str = "lastEventId";

/// The id of the last event that a client got before it reconnected.
///
/// Read from the header `Last-Event-ID`, or where there is none, from the query parameter
/// `lastEventId` that polyfills use; the header wins, since the URL keeps the id it was first
/// opened with. An empty id is none. An id authorises nothing, and anybody can send any: it is
/// text, valid as an [`EventId`], not more.
///
/// [`SseLayer`](crate::SseLayer) puts it into the extensions of a request that has one. A handler
/// on axum takes it as an argument (feature `axum`), any other asks for it:
///
/// ```
/// use sse_layer::LastEventId;
///
/// let request = http::Request::builder().header("last-event-id", "41").body(()).unwrap();
/// let next = LastEventId::from_request(&request).parse::<u64>().map_or(0, |last| last + 1);
/// assert_eq!(next, 42);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastEventId(Sent);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Sent {
    #[default]
    Nothing,
    Id(EventId),
    Malformed,
}

impl LastEventId {
    /// The longest id that is taken, in bytes; a longer one is [malformed](Self::is_malformed).
    pub const MAX_LEN: usize = 4096;

    /// Reads the header alone.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        headers
            .get(HEADER)
            .map_or(Self::default(), |value| Self::from_bytes(value.as_bytes()))
    }

    /// Reads the header, and where it is missing or empty the query parameter.
    pub fn from_request<B>(request: &Request<B>) -> Self {
        Self::read(request.headers(), request.uri(), request.extensions())
    }

    /// Reads the header, and where it is missing or empty the query parameter.
    pub fn from_parts(parts: &Parts) -> Self {
        Self::read(&parts.headers, &parts.uri, &parts.extensions)
    }

    fn read(headers: &HeaderMap, uri: &Uri, extensions: &Extensions) -> Self {
        if let Some(known) = extensions.get::<Self>() {
            return known.clone();
        }
        let from_header = Self::from_headers(headers);
        if from_header.0 != Sent::Nothing {
            return from_header;
        }
        // Most requests have no such parameter; they should not pay for taking a query apart.
        let query = uri.query().unwrap_or_default();
        if !query.contains(PARAMETER) {
            return from_header;
        }
        form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == PARAMETER)
            .map_or(Self::default(), |(_, value)| {
                // What was not UTF-8 has come out as U+FFFD.
                if value.contains(char::REPLACEMENT_CHARACTER) {
                    Self(Sent::Malformed)
                } else {
                    Self::from_text(&value)
                }
            })
    }

    fn from_bytes(id: &[u8]) -> Self {
        std::str::from_utf8(id).map_or(Self(Sent::Malformed), Self::from_text)
    }

    fn from_text(id: &str) -> Self {
        if id.is_empty() {
            return Self(Sent::Nothing);
        }
        if id.len() > Self::MAX_LEN {
            return Self(Sent::Malformed);
        }
        Self(EventId::new(id).map_or(Sent::Malformed, Sent::Id))
    }

    /// The id, if the client sent one that can be one.
    pub fn id(&self) -> Option<&EventId> {
        match &self.0 {
            Sent::Id(id) => Some(id),
            Sent::Nothing | Sent::Malformed => None,
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> Option<&str> {
        self.id().map(EventId::as_str)
    }

    /// The id as what it was made of, such as a number.
    pub fn parse<T>(&self) -> Option<T>
    where
        T: std::str::FromStr,
    {
        self.as_str()?.parse().ok()
    }

    /// Whether the client sent something that no event's id can be: not UTF-8, a NUL or a line
    /// break in it, or longer than [`MAX_LEN`](Self::MAX_LEN).
    ///
    /// Such a client has missed an unknown number of events, unlike one that sent nothing.
    pub fn is_malformed(&self) -> bool {
        self.0 == Sent::Malformed
    }

    /// Leaves it for the handler to find, if there is something to find.
    pub(crate) fn insert_into(parts: &mut Parts) {
        let id = Self::from_parts(parts);
        if id.0 != Sent::Nothing {
            parts.extensions.insert(id);
        }
    }
}

/// For whoever goes on by itself after an event that it has seen.
impl From<EventId> for LastEventId {
    fn from(id: EventId) -> Self {
        if id.as_str().is_empty() {
            return Self::default();
        }
        Self(Sent::Id(id))
    }
}

impl From<&LastEventId> for LastEventId {
    fn from(id: &LastEventId) -> Self {
        id.clone()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn request(uri: &str, header: Option<&[u8]>) -> LastEventId {
        let mut request = Request::builder().uri(uri).body(()).unwrap();
        if let Some(value) = header {
            let value = HeaderValue::from_bytes(value).unwrap();
            request.headers_mut().insert("last-event-id", value);
        }
        LastEventId::from_request(&request)
    }

    #[test]
    fn the_header_is_read_as_utf_8() {
        assert_eq!(request("/", Some(b"41")).parse(), Some(41));
        for id in ["é", "\u{fffd}"] {
            assert_eq!(request("/", Some(id.as_bytes())).as_str(), Some(id));
        }
        assert!(request("/", Some(b"\xff\xfe")).is_malformed());
    }

    #[test]
    fn the_parameter_counts_where_the_header_says_nothing() {
        assert_eq!(request("/?lastEventId=7", None).as_str(), Some("7"));
        assert_eq!(request("/?lastEventId=7", Some(b"")).as_str(), Some("7"));
        assert_eq!(request("/?lastEventId=7", Some(b"9")).as_str(), Some("9"));
        assert_eq!(
            request("/?a=b&lastEventId=a%20b%2Bc", None).as_str(),
            Some("a b+c")
        );
    }

    #[test]
    fn what_a_layer_has_read_counts_further_in_whatever_became_of_the_header() {
        let mut request = Request::builder()
            .header("last-event-id", "7")
            .body(())
            .unwrap();
        let read = LastEventId::from_request(&request);
        request.extensions_mut().insert(read.clone());
        request.headers_mut().clear();
        assert_eq!(LastEventId::from_request(&request), read);
    }

    #[test]
    fn nothing_and_an_empty_id_are_the_same() {
        for nothing in [
            request("/", None),
            request("/", Some(b"")),
            request("/?lastEventId=", None),
            request("/?lasteventid=7&x=lastEventId", None),
        ] {
            assert_eq!(nothing, LastEventId::default());
            assert!(!nothing.is_malformed());
        }
    }

    #[test]
    fn what_cannot_be_an_id_is_malformed_and_no_id() {
        let long = "7".repeat(LastEventId::MAX_LEN + 1);
        let longest = "7".repeat(LastEventId::MAX_LEN);
        for malformed in [
            request("/", Some(long.as_bytes())),
            request("/?lastEventId=a%0Adata:%20x", None),
            request("/?lastEventId=a%00", None),
            request("/?lastEventId=%FF", None),
            request(&format!("/?lastEventId={long}"), None),
        ] {
            assert!(malformed.is_malformed());
            assert_eq!(malformed.id(), None);
        }
        assert_eq!(
            request("/", Some(longest.as_bytes())).as_str(),
            Some(&*longest)
        );
    }
}
