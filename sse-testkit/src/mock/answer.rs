//! What a request is answered with, be it from a script or from a recording.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};

/// A head and then a body, step by step.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// How long the client waits for the head.
    pub(super) head_after: Duration,
    pub(super) opening: Opening,
    pub(super) steps: Arc<[Step]>,
    /// What begins when the steps are done, again and again, instead of the end.
    pub(super) again: Option<Arc<[Step]>>,
}

#[derive(Debug, Clone)]
pub(super) enum Opening {
    Head {
        status: StatusCode,
        headers: HeaderMap,
    },
    /// The connection is closed without an answer.
    HangUp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Send(Bytes),
    Pause(Duration),
    /// The connection is closed, and the client can tell that something is missing.
    Cut,
    /// The connection is reset: a TCP segment with RST.
    Reset,
    /// Nothing comes any more.
    Stall,
}

impl Answer {
    /// An event stream that ends after these steps.
    pub(super) fn stream(steps: Vec<Step>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self {
            head_after: Duration::ZERO,
            opening: Opening::Head {
                status: StatusCode::OK,
                headers,
            },
            steps: steps.into(),
            again: None,
        }
    }

    /// An answer without a body.
    pub(super) fn status(status: StatusCode) -> Self {
        Self {
            opening: Opening::Head {
                status,
                headers: HeaderMap::new(),
            },
            ..Self::stream(Vec::new())
        }
    }
}
