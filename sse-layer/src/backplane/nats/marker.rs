//! Markers: messages of this node to itself, which come back through the stream in order with all
//! others, so that everything before one has arrived when it has.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_nats::HeaderMap;
use bytes::Bytes;
use tokio::{
    sync::{Mutex, watch},
    time,
};

use super::{
    Shared,
    api::{ApiError, read_answer},
    pump::{Command, MARKER},
};
use crate::backplane::{BackplaneError, Failure};

/// Lets many callers share one marker.
pub(super) struct Markers {
    /// How many have asked.
    asked: AtomicU64,
    /// Whose turn it is to publish one, and what came of the last.
    turn: Mutex<Last>,
    /// The last that has come back.
    arrived: watch::Sender<Arrived>,
}

/// A marker that has come back.
#[derive(Clone, Copy, Debug, Default)]
struct Arrived {
    count: u64,
    sequence: u64,
}

/// What came of the last marker.
struct Last {
    count: u64,
    /// Everyone up to this one had asked before it was published.
    covers: u64,
    generation: u64,
    outcome: Result<u64, (Failure, Arc<str>)>,
}

impl Markers {
    pub(super) fn new() -> Self {
        Self {
            asked: AtomicU64::new(0),
            turn: Mutex::new(Last {
                count: 0,
                covers: 0,
                generation: 0,
                outcome: Ok(0),
            }),
            arrived: watch::Sender::new(Arrived::default()),
        }
    }

    /// Waits until a marker that is published after this call has come back. Answers its number.
    pub(super) async fn pass(
        &self,
        shared: &Shared,
        generation: u64,
    ) -> Result<u64, BackplaneError> {
        let ticket = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let mut last = self.turn.lock().await;
        if shared.api.link.borrow().generation != generation {
            let why = "the connection was lost";
            return Err(BackplaneError::new(Failure::Unavailable, why));
        }
        if last.covers < ticket || last.generation != generation {
            let covers = self.asked.load(Ordering::Acquire);
            last.count += 1;
            let outcome = self.send(shared, generation, last.count).await;
            *last = Last {
                count: last.count,
                covers,
                generation,
                outcome: outcome.map_err(|error| (error.failure(), text_of(&error))),
            };
        }
        match &last.outcome {
            Ok(sequence) => Ok(*sequence),
            Err((failure, text)) => Err(BackplaneError::new(*failure, &**text)),
        }
    }

    /// One has come back, and everything before it was handed over.
    pub(super) fn arrive(&self, count: u64, sequence: u64) {
        self.arrived.send_replace(Arrived { count, sequence });
    }

    async fn send(
        &self,
        shared: &Shared,
        generation: u64,
        count: u64,
    ) -> Result<u64, BackplaneError> {
        let api = &shared.api;
        let mut headers = HeaderMap::new();
        headers.insert(MARKER, count.to_string());
        let subject = shared.subjects.marker();
        let _ = shared.pump.send(Command::Mark { count });
        let answer = api.ask(generation, &subject, Some(headers), Bytes::new());
        let answer = answer.await;
        let answer = answer.inspect_err(|error| shared.suspect(error))?;
        read_answer(&answer).map_err(|error| match error {
            ApiError::Silent(error) => error,
            told @ ApiError::Told(_) => told.into(),
        })?;
        let mut arrived = self.arrived.subscribe();
        let mut link = api.link.clone();
        let there = time::timeout(api.timeout, arrived.wait_for(|there| there.count >= count));
        tokio::select! {
            there = there => match there {
                Ok(Ok(there)) => Ok(there.sequence),
                _ => Err(BackplaneError::new(
                    Failure::Unknown,
                    "what the stream has taken does not come back",
                )),
            },
            _ = link.wait_for(|link| link.generation != generation) => {
                Err(BackplaneError::new(Failure::Unavailable, "the connection was lost"))
            }
        }
    }
}

fn text_of(error: &BackplaneError) -> Arc<str> {
    let source = std::error::Error::source(error);
    Arc::from(source.map_or_else(|| error.to_string(), ToString::to_string))
}
