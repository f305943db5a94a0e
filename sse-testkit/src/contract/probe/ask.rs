//! One request.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, HOST, HeaderName, HeaderValue};
use http::{Method, Request, Version};

use super::Parts;
use crate::Body;

/// A request under construction.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    parts: Parts,
    patience: Duration,
}

impl Ask {
    /// Asks for a body without a content coding, which a person or a parser can read, unless the
    /// target says something else.
    pub(super) fn new(target: &Parts) -> Self {
        let mut parts = target.clone();
        let coding = parts.headers.entry(ACCEPT_ENCODING);
        coding.or_insert(HeaderValue::from_static("identity"));
        Self {
            parts,
            patience: Duration::MAX,
        }
    }

    /// As a client of event streams asks. Other requests must not look like it: a server may count
    /// them among its streams.
    pub(super) fn for_stream(target: &Parts) -> Self {
        let mut ask = Self::new(target);
        let accept = ask.parts.headers.entry(ACCEPT);
        accept.or_insert(HeaderValue::from_static("text/event-stream"));
        ask
    }

    pub(crate) fn header(mut self, name: &'static str, value: HeaderValue) -> Self {
        let name = HeaderName::from_static(name);
        self.parts.headers.insert(name, value);
        self
    }

    /// As a browser asks before it sends what is secret.
    pub(crate) fn without_authorization(mut self) -> Self {
        self.parts.headers.remove(http::header::AUTHORIZATION);
        self.parts.headers.remove(http::header::COOKIE);
        self
    }

    pub(crate) fn without_body(mut self) -> Self {
        self.parts.body = Bytes::new();
        self.parts.headers.remove(http::header::CONTENT_TYPE);
        self
    }

    pub(crate) fn method(mut self, method: Method) -> Self {
        self.parts.method = method;
        self
    }

    pub(crate) fn version(mut self, version: Version) -> Self {
        self.parts.version = version;
        self
    }

    /// Waits for the head no longer than this.
    pub(crate) fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    pub(super) fn into_request(self) -> Request<Body> {
        let parts = self.parts;
        let mut request = Request::new(Body::from(parts.body));
        if let Some(authority) = parts.url.authority() {
            if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
                request.headers_mut().insert(HOST, host);
            }
        }
        *request.method_mut() = parts.method;
        *request.uri_mut() = parts.url;
        *request.version_mut() = parts.version;
        *request.extensions_mut() = parts.extensions;
        request.headers_mut().extend(parts.headers);
        request
    }
}
