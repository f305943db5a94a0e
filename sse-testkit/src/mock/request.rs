//! What a mock server was asked.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri, Version};

/// A request as it came.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MockRequest {
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub uri: Uri,
    /// Its version of HTTP.
    pub version: Version,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// When it came, counted from the server's start.
    pub elapsed: Duration,
}

impl MockRequest {
    /// The `Last-Event-ID` that it resumes from, if it has one and that is text.
    pub fn last_event_id(&self) -> Option<&str> {
        let value = self.headers.get("last-event-id")?;
        std::str::from_utf8(value.as_bytes()).ok()
    }
}
