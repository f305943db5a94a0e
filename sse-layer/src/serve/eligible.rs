//! Which responses are taken over from hyper.

use http::{
    HeaderMap, Method, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, TRAILER, TRANSFER_ENCODING, UPGRADE},
    request::Parts,
};
use http_body::Body;

use super::{Incoming, incoming::Ended};
use crate::headers::is_event_stream;

/// What matters of a request when its response comes.
pub(super) struct Asked {
    may_take: bool,
    closes: bool,
    ended: Option<Ended>,
}

impl Asked {
    pub(super) fn of(parts: &Parts, body: &Incoming) -> Self {
        Self {
            may_take: parts.version == Version::HTTP_11
                && parts.method != Method::HEAD
                && parts.method != Method::CONNECT
                // hyper closes behind a request that has a length too, and takes that out of its
                // head (RFC 9112, 6.1).
                && !parts.headers.contains_key(TRANSFER_ENCODING),
            closes: says_close(&parts.headers),
            ended: body.ended(),
        }
    }

    /// Whether the response is one that hyper is to let go of.
    pub(super) fn takes<B>(&self, response: &Response<B>) -> bool
    where
        B: Body,
    {
        let headers = response.headers();
        let body = response.body();
        self.may_take
            && self.ended.as_ref().is_none_or(Ended::is_true)
            && response.status() == StatusCode::OK
            // As proxied from HTTP/2; hyper writes it as HTTP/1.1.
            && matches!(response.version(), Version::HTTP_11 | Version::HTTP_2)
            && is_event_stream(response.status(), headers)
            // Each of them changes what hyper writes, or what it does afterwards.
            && ![CONTENT_LENGTH, TRANSFER_ENCODING, TRAILER, UPGRADE]
                .iter()
                .any(|name| headers.contains_key(name))
            && !body.is_end_stream()
            && body.size_hint().exact().is_none()
    }

    /// Whether the connection is to be closed behind the response.
    pub(super) fn closes<B>(&self, response: &Response<B>) -> bool {
        self.closes || says_close(response.headers())
    }
}

fn says_close(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}
