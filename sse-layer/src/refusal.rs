//! The answer to a request that gets no stream.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};

use crate::{event::retry_line, headers, observe::RejectReason};

/// Why a request gets no stream, and what its client is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) reason: RejectReason,
    pub(crate) answer: Answer,
}

/// What a refused client is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// A status that says it, for clients that read statuses.
    Status {
        status: StatusCode,
        error: &'static str,
        max_connections: Option<usize>,
        retry_after: Duration,
    },
    /// A stream that ends at once and asks for another try, for a browser's `EventSource`: after
    /// any status but 200 it never tries again.
    RetryLater(Duration),
}

/// Left in the extensions of a refusal: though it may be an event stream, it is no stream to any
/// layer further out.
#[derive(Clone, Copy)]
pub(crate) struct Refused;

impl Refusal {
    pub(crate) fn into_response(self) -> Response<Bytes> {
        let mut response = self.answer.into_response();
        response.extensions_mut().insert(Refused);
        response
    }
}

impl Answer {
    fn into_response(self) -> Response<Bytes> {
        match self {
            Self::Status {
                status,
                error,
                max_connections,
                retry_after,
            } => {
                let max = max_connections
                    .map(|max| format!(",\"maxConnections\":{max}"))
                    .unwrap_or_default();
                let body = format!("{{\"error\":\"{error}\"{max}}}");
                let mut response = Response::new(Bytes::from(body));
                *response.status_mut() = status;
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds_up(retry_after)));
                response
            }
            Self::RetryLater(retry) => {
                let mut response = Response::new(retry_line(retry).into_bytes());
                headers::render(response.headers_mut());
                response
            }
        }
    }
}

/// `Retry-After` counts whole seconds (RFC 9110, 10.2.3); zero would be no wait at all.
fn seconds_up(duration: Duration) -> u64 {
    let fraction = u64::from(duration.subsec_nanos() > 0);
    duration.as_secs().saturating_add(fraction).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_rounded_up_to_whole_seconds() {
        assert_eq!(seconds_up(Duration::ZERO), 1);
        assert_eq!(seconds_up(Duration::from_millis(1001)), 2);
        assert_eq!(seconds_up(Duration::MAX), u64::MAX);
    }
}
