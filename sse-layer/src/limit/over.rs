use std::time::Duration;

use http::StatusCode;

use crate::{random::spread, refusal::Answer};

/// What a client over the limit is answered.
#[derive(Clone, Debug)]
#[must_use]
pub struct OverLimit {
    status: StatusCode,
    retry_after: Duration,
    retry_later: Option<Duration>,
}

impl OverLimit {
    /// A status with a JSON body, `{"error": "...", "maxConnections": n}`, and `Retry-After`.
    ///
    /// A browser's `EventSource` never tries again after it; for those there is
    /// [`retry_later`](Self::retry_later).
    pub const fn status(status: StatusCode) -> Self {
        Self {
            status,
            retry_after: Duration::from_secs(5),
            retry_later: None,
        }
    }

    /// An empty event stream that asks for another try somewhere within the window, spread at
    /// random so that those turned away don't come back at once.
    ///
    /// Only a GET that accepts `text/event-stream` is answered so. To others, such as clients of
    /// the OpenAI API with their POST, an empty 200 would look like success: they get 429.
    pub const fn retry_later(window: Duration) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after: window,
            retry_later: Some(window),
        }
    }

    /// The `Retry-After` that goes with a status, in whole seconds, rounded up; 5 by default.
    pub const fn retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = retry_after;
        self
    }

    pub(super) fn answer(&self, max: usize, may_retry_later: bool) -> Answer {
        match self.retry_later {
            // Not before a second: the place is not free sooner for being asked for again.
            Some(window) if may_retry_later => {
                Answer::RetryLater(spread(&(window.min(Duration::from_secs(1))..=window)))
            }
            _ => Answer::Status {
                status: self.status,
                error: "too many open event streams",
                max_connections: Some(max),
                retry_after: self.retry_after,
            },
        }
    }
}

impl Default for OverLimit {
    /// 429 Too Many Requests.
    fn default() -> Self {
        Self::status(StatusCode::TOO_MANY_REQUESTS)
    }
}
