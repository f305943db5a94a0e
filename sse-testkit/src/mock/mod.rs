//! A server that plays an event stream: one that was recorded, or one that a test has written.
//!
//! For whoever writes a client. The server speaks HTTP/1.1 and HTTP/2 (without TLS) over a socket,
//! at any path, and allows every origin, so that a page from a development server can read it.
//!
//! ```
//! use std::time::Duration;
//!
//! use sse_testkit::mock::{MockServer, Script, event};
//!
//! # #[cfg(not(feature = "socket"))]
//! # fn main() {}
//! # #[cfg(feature = "socket")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let server = MockServer::scripts([
//!     Script::new()
//!         .retry(Duration::from_millis(10))
//!         .event(event("tick").id("1").data("one"))
//!         .cut_inside(event("tick").id("2").data("two")),
//!     Script::new().event(event("tick").id("2").data("two")).stall(),
//! ])
//! .start()
//! .await;
//!
//! // The client under test; here it is the testkit's own.
//! let mut sse = sse_testkit::connect(server.url("/ticks")).await;
//! sse.expect_event("tick").text("one").await;
//! sse.expect_error().await;
//! sse.reconnect().await;
//! sse.expect_event("tick").text("two").await;
//!
//! let requests = server.requests();
//! assert_eq!(requests.len(), 2);
//! assert_eq!(requests[1].last_event_id(), Some("1"));
//! assert_eq!(server.left(), 0);
//! # }
//! ```
//!
//! # Replaying
//!
//! [`MockServer::replay`] serves a [`Recording`] with its chunks and its timing, or
//! [faster](MockBuilder::speed). Which part a request gets, its `Last-Event-ID` decides:
//!
//! - none: the recording from its start. Where the recorded client itself reconnected without an
//!   id, each request gets the next part, and then the first again;
//! - one with which the recorded client reconnected: what the client got then;
//! - one that the recording has: what follows it, and 204 if no event does, which tells a client to
//!   stop;
//! - any other: the recording from its start.
//!
//! A response that had not ended when the recording did stays open. Redirects are left out, and so
//! are requests whose answer was not awaited, and the headers that belong to one connection, to the
//! time of recording, or to the pages that may read.

mod accept;
mod answer;
mod body;
mod builder;
mod cors;
mod event;
mod plan;
mod replay;
mod request;
mod script;
mod service;
mod socket;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinHandle;

pub use self::builder::MockBuilder;
pub use self::event::{MockEvent, event, message};
pub use self::request::MockRequest;
pub use self::script::Script;
use self::service::Mock;
use crate::recording::Recording;

/// A running server. Dropping it stops it and closes its connections.
pub struct MockServer {
    address: SocketAddr,
    mock: Arc<Mock>,
    accept: JoinHandle<()>,
}

impl MockServer {
    /// Serves these, one to each request in turn, whatever the request asks for.
    ///
    /// Further requests are answered 204, which tells `EventSource` to stop, unless
    /// [`otherwise`](MockBuilder::otherwise) or [`repeat`](MockBuilder::repeat) says what else.
    pub fn scripts(scripts: impl IntoIterator<Item = Script>) -> MockBuilder {
        MockBuilder::scripts(scripts.into_iter().collect())
    }

    /// Serves what was recorded, [resumed](self#replaying) by `Last-Event-ID`.
    pub fn replay(recording: &Recording) -> MockBuilder {
        MockBuilder::replay(recording)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of this path.
    pub fn url(&self, path: &str) -> String {
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("http://{}{slash}{path}", self.address)
    }

    /// The requests so far, in order; without the preflights that the server answers by itself.
    pub fn requests(&self) -> Vec<MockRequest> {
        self.mock.requests()
    }

    /// Waits until there have been so many requests, and returns all.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<MockRequest> {
        self.mock.wait_for_requests(count).await
    }

    /// Waits for a request, and takes it and all others so far: [`requests`](Self::requests) does not
    /// have them any more. For a server that runs for long.
    pub async fn take_requests(&self) -> Vec<MockRequest> {
        self.mock.take_requests().await
    }

    /// How many scripts, or connections of the recording, no request has got yet.
    pub fn left(&self) -> usize {
        self.mock.left()
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

impl fmt::Debug for MockServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockServer")
            .field("address", &self.address)
            .field("requests", &self.requests())
            .field("left", &self.left())
            .finish_non_exhaustive()
    }
}
