//! Connecting, and connecting again as `EventSource` does.

use std::time::Duration;

use http::StatusCode;

use super::{EventStream, decoder};
use crate::record::{Head, What};

/// What came of a reconnection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reconnect {
    /// The stream is open again.
    Open,
    /// The server answered 204: a client stops for good.
    Stopped,
    /// The server answered another status than 200, or no event stream: a client fails for good.
    Refused,
    /// There was no response. A client tries again, so the next call does.
    Unreachable,
}

impl Reconnect {
    /// What a client makes of a response with this head.
    pub(crate) fn of(head: &Head) -> Self {
        match head.status {
            StatusCode::NO_CONTENT => Self::Stopped,
            StatusCode::OK if head.is_event_stream() => Self::Open,
            _ => Self::Refused,
        }
    }
}

impl EventStream {
    /// Reconnects as `EventSource` does.
    ///
    /// Closes the response if it is still open, waits for the reconnection time (which passes at
    /// once where time is paused) and repeats the request with the id of the last block that was
    /// read as its `Last-Event-ID`, without one if that is empty. The transcript goes on.
    ///
    /// Once the server has answered 204, any other status than 200 or another content type, be it
    /// to the very first request, a client gives up: no request is sent, the outcome stays the same.
    pub async fn reconnect(&mut self) -> Reconnect {
        self.reconnect_after(None).await
    }

    /// The same, after this pause instead of the reconnection time.
    pub(crate) async fn reconnect_after(&mut self, pause: Option<Duration>) -> Reconnect {
        if let Some(outcome @ (Reconnect::Stopped | Reconnect::Refused)) = self.outcome() {
            return outcome;
        }
        if self.template.is_none() {
            return Reconnect::Unreachable;
        }
        let (retry, id) = (
            pause.unwrap_or(self.retry()),
            self.last_event_id().to_owned(),
        );
        self.recorder.hang_up_for(retry, &id).await;
        self.dial().await;
        self.outcome().unwrap_or(Reconnect::Unreachable)
    }

    /// What a client makes of the current response; `None` if there is none.
    fn outcome(&self) -> Option<Reconnect> {
        self.recorder.current_head().map(Reconnect::of)
    }

    /// Sends the request and awaits the response head.
    pub(super) async fn dial(&mut self) {
        let Some(template) = &self.template else {
            return;
        };
        let id = self.last_event_id();
        let request = match template.request(id) {
            Ok(request) => request,
            Err(reason) => return self.recorder.record(What::Error(reason)),
        };
        let id = id.to_owned();
        let decoder = |head: &Head| decoder(head, &id);
        self.recorder.dial(request, decoder).await;
    }
}
