//! Connecting, and connecting again as `EventSource` does.

use std::time::Duration;

use http::StatusCode;
use tokio::time::timeout;

use super::EventStream;
use super::connection::Connection;
use crate::client::describe;
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
        if let Some(outcome @ (Reconnect::Stopped | Reconnect::Refused)) = self.outcome() {
            return outcome;
        }
        if self.template.is_none() {
            return Reconnect::Unreachable;
        }
        // An end that has arrived is what makes the client reconnect.
        if let Some(index) = self.unread() {
            if self.records[index].what.is_last() {
                self.pass(index);
            }
        }
        self.close();
        let read = self.told().len();
        self.records.truncate(read);

        self.clock.enter().await;
        tokio::time::sleep(self.retry).await;
        self.record(What::Reconnect {
            after: self.retry,
            id: self.last_event_id.clone(),
        });
        self.read = self.records.len();
        self.connection = Connection::none();
        self.dial().await;
        self.outcome().unwrap_or(Reconnect::Unreachable)
    }

    /// What a client makes of the current response; `None` if there is none.
    fn outcome(&self) -> Option<Reconnect> {
        let head = self.connection.head.as_ref()?;
        Some(match head.status {
            StatusCode::NO_CONTENT => Reconnect::Stopped,
            StatusCode::OK if head.is_event_stream() => Reconnect::Open,
            _ => Reconnect::Refused,
        })
    }

    /// Sends the request and awaits the response head.
    pub(super) async fn dial(&mut self) {
        let Some(template) = &self.template else {
            return;
        };
        let request = match template.request(&self.last_event_id) {
            Ok(request) => request,
            Err(reason) => return self.record(What::Error(reason)),
        };
        let response = match timeout(self.timeout, self.transport.send(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return self.record(What::Error(describe(&*error))),
            Err(_) => {
                let reason = format!("no response head within {:?}", self.timeout);
                return self.record(What::Error(reason + self.time_hint()));
            }
        };
        let (parts, body) = response.into_parts();
        let head = Head {
            status: parts.status,
            headers: parts.headers,
        };
        self.record(What::Head(head.clone()));
        let opening_until: Duration = self.started.elapsed() + self.clock.head_slack();
        self.connection = Connection::new(head, body, &self.last_event_id, opening_until);
        // A server sends the first bytes at once, so that they are read at once keeps their time.
        self.peek().await;
    }
}
