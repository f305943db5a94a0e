//! Reading on, for a bounded time.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Recorder;

/// The bounds of one expectation.
#[derive(Debug)]
pub(crate) struct Wait {
    pub(crate) deadline: Instant,
    moment: Instant,
    reads_at_moment: usize,
}

/// Why there is nothing more to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stuck {
    TimedOut,
    NeverPauses,
    NeverEnds,
}

/// The bounds of an expectation of one value after the other.
#[derive(Debug)]
pub(crate) struct Whole {
    deadline: Option<Instant>,
    each: Duration,
}

/// So many times the bound of one value may all of them take.
const WAITS_IN_ALL: u32 = 100;

/// On a stream that is always ready virtual time stands still, so time alone does not bound it.
const MAX_READS_AT_ONE_MOMENT: usize = 200_000;

/// How often to look for what decides the meaning of the first bytes.
const MAX_PEEKS: usize = 64;

impl Wait {
    /// The bounds of an expectation that goes on after its first value.
    pub(crate) fn whole(&self, each: Duration) -> Whole {
        let all = each.checked_mul(WAITS_IN_ALL);
        Whole {
            deadline: all.and_then(|all| self.moment.checked_add(all)),
            each,
        }
    }
}

impl Whole {
    /// Gives the next value its time. On a stream that never ends the time of all is over.
    pub(crate) fn renew(&self, wait: &mut Wait) -> Result<(), Stuck> {
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| deadline < now) {
            return Err(Stuck::NeverEnds);
        }
        wait.deadline = now.checked_add(self.each).unwrap_or(wait.deadline);
        Ok(())
    }
}

impl Recorder {
    /// Begins an expectation: makes time run as the test needs it and sets the bound.
    pub(crate) async fn begin(&mut self, within: Option<Duration>) -> Wait {
        self.clock.enter().await;
        let now = Instant::now();
        let within = within.unwrap_or(self.timeout);
        // What is too far off to be an instant is no bound in practice.
        let never = Duration::from_secs(60 * 60 * 24 * 365);
        Wait {
            deadline: now.checked_add(within).unwrap_or(now + never),
            moment: now,
            reads_at_moment: 0,
        }
    }

    /// The index of the next record an expectation has to look at, once there is one.
    ///
    /// The end of the stream stays the next one for good.
    pub(crate) async fn next(&mut self, wait: &mut Wait) -> Result<usize, Stuck> {
        loop {
            if let Some(index) = self.unread() {
                return Ok(index);
            }
            if self.connection.body.is_none() {
                return Ok(self.records.len() - 1);
            }
            self.read_chunk(wait).await?;
        }
    }

    /// Reads whatever comes next, be it only a part of a frame.
    pub(crate) async fn read_chunk(&mut self, wait: &mut Wait) -> Result<(), Stuck> {
        let now = Instant::now();
        if now > wait.deadline {
            return Err(Stuck::TimedOut);
        }
        if now != wait.moment {
            wait.moment = now;
            wait.reads_at_moment = 0;
        }
        wait.reads_at_moment += 1;
        if wait.reads_at_moment > MAX_READS_AT_ONE_MOMENT {
            return Err(Stuck::NeverPauses);
        }
        timeout_at(wait.deadline, poll_fn(|cx| self.poll_read(cx)))
            .await
            .map_err(|_| Stuck::TimedOut)
    }

    /// Reads what is there without waiting, but decides what it is.
    pub(super) async fn peek(&mut self) {
        poll_fn(|cx| {
            for _ in 0..MAX_PEEKS {
                if self.poll_read(cx).is_pending() || !self.connection.is_undecided() {
                    break;
                }
            }
            Poll::Ready(())
        })
        .await;
    }

    /// The first received record that an expectation has to look at.
    pub(crate) fn unread(&self) -> Option<usize> {
        let ahead = self.records[self.read..]
            .iter()
            .position(|record| record.what.is_expectable())?;
        Some(self.read + ahead)
    }

    /// Passes the record: the next expectation begins behind it.
    pub(crate) fn pass(&mut self, index: usize) {
        self.read = self.read.max(index + 1);
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let at = self.started.elapsed();
        self.connection.poll_read(cx, at).map(|whats| {
            for what in whats {
                self.record(what);
            }
        })
    }
}
