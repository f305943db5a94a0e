//! A response as a test reads it: what came and when, and the expectations any protocol has of it.

mod connection;
mod decoder;
mod expect;
mod expectation;
mod failure;
mod head;
mod quiet;
mod read;
mod spot;

use std::time::Duration;

use http::Request;
use tokio::time::{Instant, timeout};

pub(crate) use self::connection::Connection;
pub(crate) use self::decoder::Decoder;
pub(crate) use self::expect::Verdict;
pub(crate) use self::expectation::{Expectation, equal};
pub(crate) use self::read::Stuck;
pub(crate) use self::spot::Spot;
use crate::Body;
use crate::client::{Transport, describe};
use crate::clock::Clock;
use crate::record::{Chunk, Head, Record, What};
use crate::transcript::Transcript;

/// Sends requests and records what comes back, while an expectation waits for it.
pub(crate) struct Recorder {
    transport: Box<dyn Transport>,
    /// What the response should be, in a failure's words.
    protocol: &'static str,
    clock: Clock,
    timeout: Duration,
    started: Instant,
    records: Vec<Record>,
    /// How many records expectations have passed.
    read: usize,
    connection: Connection,
}

impl Recorder {
    /// Begins to count the time; nothing is sent yet.
    pub(crate) async fn start(
        transport: Box<dyn Transport>,
        protocol: &'static str,
        clock: Clock,
        timeout: Option<Duration>,
    ) -> Self {
        clock.enter().await;
        Self {
            transport,
            protocol,
            clock,
            timeout: timeout.unwrap_or(clock.default_timeout()),
            started: Instant::now(),
            records: Vec::new(),
            read: 0,
            connection: Connection::none(),
        }
    }

    /// Sends the request and awaits the response head, which tells what decodes the body: nothing
    /// if it does not speak the protocol.
    pub(crate) async fn dial(
        &mut self,
        request: Request<Body>,
        decoder: impl FnOnce(&Head) -> Option<Box<dyn Decoder>>,
    ) {
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
        let decoder = decoder(&head);
        self.record(What::Head(head.clone()));
        let head_until = self.started.elapsed() + self.clock.head_slack();
        self.connection = Connection::new(head, body, decoder, head_until);
        // A server sends the first bytes at once, so that they are read at once keeps their time.
        self.peek().await;
    }

    /// Closes the response if it is open, forgets what was not read, and lets this time pass.
    pub(crate) async fn hang_up_for(&mut self, pause: Duration, id: &str) {
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
        tokio::time::sleep(pause).await;
        self.record(What::Reconnect {
            after: pause,
            id: id.to_owned(),
        });
        self.read = self.records.len();
        self.connection = Connection::none();
    }

    /// Drops the response body at once and forgets what was not read.
    pub(crate) fn close(&mut self) {
        if self.connection.body.take().is_some() {
            let read = self.told().len();
            self.records.truncate(read);
            self.record(What::Closed);
            self.read = self.records.len();
        }
    }

    pub(crate) fn record(&mut self, what: What) {
        let at = self.started.elapsed();
        self.records.push(Record { at, what });
    }

    /// What expectations have passed.
    pub(crate) fn passed(&self) -> &[Record] {
        &self.records[..self.read]
    }

    /// What the test has read so far.
    pub(crate) fn transcript(&self) -> Transcript {
        Transcript::new(self.told().to_vec())
    }

    /// The records up to where the test has read, and the heads that follow: they need no reading.
    fn told(&self) -> &[Record] {
        let ahead = self.records[self.read..]
            .iter()
            .take_while(|record| matches!(record.what, What::Head(_) | What::Reconnect { .. }))
            .count();
        &self.records[..self.read + ahead]
    }

    /// All records, read or not.
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// How long to wait for what is expected, unless it says otherwise.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The moment that is this long after the start.
    pub(crate) fn instant(&self, at: Duration) -> Instant {
        self.started + at
    }

    /// All bytes of the current response.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.connection.raw
    }

    pub(crate) fn chunks(&self) -> &[Chunk] {
        &self.connection.chunks
    }

    /// The current response's head, if there is a response.
    pub(crate) fn current_head(&self) -> Option<&Head> {
        self.connection.head.as_ref()
    }
}
