//! Requests over sockets, and what comes back, with times. Whatever the server does, it is bounded
//! in time and in bytes.

mod answer;
mod ask;
mod failure;
mod raw;
mod seen;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

pub(super) use self::answer::Answer;
pub(super) use self::ask::Ask;
pub(super) use self::failure::NoAnswer;
pub(super) use self::raw::head_end;
pub(super) use self::seen::{End, Seen};
use super::expectations::{Expectations, Limit};
use super::target::Parts;
use crate::client::{Socket, Transport as _, dial};

/// Opens streams of one target.
#[derive(Debug)]
pub(super) struct Probe {
    target: Parts,
    answer_within: Duration,
    limit: Option<Limit>,
    /// How long a server may take to notice that an earlier stream has gone.
    noticed_within: Duration,
    slots: Arc<Semaphore>,
}

/// So many streams are open at a time, unless a check is about their number.
const STREAMS_AT_A_TIME: usize = 4;

/// A server that can be reached is connected by then.
const CONNECTING: Duration = Duration::from_secs(2);

impl Probe {
    pub(super) fn new(target: Parts, expectations: &Expectations) -> Self {
        let at_a_time = match expectations.limit {
            // Half of them, since the slots of those that went are not free at once.
            Some(limit) => STREAMS_AT_A_TIME.min(limit.streams / 2).max(1),
            None => STREAMS_AT_A_TIME,
        };
        Self {
            target,
            answer_within: expectations.answer,
            limit: expectations.limit,
            noticed_within: expectations.noticed_within(),
            slots: Arc::new(Semaphore::new(at_a_time)),
        }
    }

    pub(super) fn target(&self) -> &Parts {
        &self.target
    }

    /// The request for the stream, to be sent as it is or with changes.
    pub(super) fn ask(&self) -> Ask {
        Ask::for_stream(&self.target)
    }

    /// Sends the request and awaits the head of the answer.
    ///
    /// Where the server takes only so many streams, this one waits for the slot of an earlier one.
    pub(super) async fn open(&self, ask: Ask) -> Result<Answer, NoAnswer> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok();
        let give_up = Instant::now() + self.noticed_within;
        loop {
            let answer = self.open_at_once(ask.clone()).await?;
            let full = self.limit.is_some_and(|it| answer.is_refused(it.status));
            if !full || Instant::now() >= give_up {
                return Ok(answer.holding(slot));
            }
            drop(answer);
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// As `open`, but without heed to how many streams are open.
    pub(super) async fn open_at_once(&self, ask: Ask) -> Result<Answer, NoAnswer> {
        let within = self.answer_within.min(ask.patience());
        let started = Instant::now();
        let request = ask.into_request();
        match timeout(within, Socket.send(request)).await {
            Ok(Ok(response)) => Ok(Answer::new(started, response)),
            Ok(Err(error)) => Err(NoAnswer::from_error(&*error)),
            Err(_) => Err(NoAnswer::TooLate(within)),
        }
    }

    /// Sends the request over HTTP/1.1 and returns the bytes that come back, until something follows
    /// the head, the server closes the connection, or is silent after the head for this long.
    pub(super) async fn raw(&self, ask: Ask, silence: Duration) -> Result<Vec<u8>, NoAnswer> {
        let exchange = raw::exchange(ask.into_request(), silence);
        // The silence begins when the head has come.
        match timeout(self.answer_within + silence, exchange).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) => Err(NoAnswer::from_error(&*error)),
            Err(_) => Err(NoAnswer::TooLate(self.answer_within)),
        }
    }

    /// Why a server that does not answer can't be reached at all, if that is so: packets that a
    /// firewall throws away look like silence.
    pub(super) async fn unreachable(&self) -> Option<NoAnswer> {
        let Parts { url, version, .. } = &self.target;
        let request = self.ask().into_request();
        match timeout(CONNECTING, dial(&request, *version)).await {
            Ok(connected) => Some(NoAnswer::from_error(&*connected.err()?)),
            Err(_) => {
                let authority = url.authority().map(ToString::to_string);
                let reason = format!(
                    "can't connect to {}: nothing answers",
                    authority.unwrap_or_default()
                );
                Some(NoAnswer::Unreachable(reason))
            }
        }
    }

    /// Sends another request than that for the stream, and reads the whole answer.
    pub(super) async fn fetch(&self, target: &Parts) -> Result<Answer, NoAnswer> {
        self.read_whole(Ask::new(target)).await
    }

    /// Sends the request that a client sends for its stream to another address, and reads the whole
    /// answer.
    pub(super) async fn fetch_stream(&self, target: &Parts) -> Result<Answer, NoAnswer> {
        self.read_whole(Ask::for_stream(target)).await
    }

    async fn read_whole(&self, ask: Ask) -> Result<Answer, NoAnswer> {
        let mut answer = self.open_at_once(ask).await?;
        let until = Instant::now() + self.answer_within;
        answer.read(until, |_| false).await;
        Ok(answer)
    }
}
