//! One stream, looked at for a while: many checks are about it.

use std::time::Duration;

use http::StatusCode;

use super::expectations::Expectations;
use super::probe::{Answer, NoAnswer, Probe, Seen};
use super::target::Parts;

/// What was seen of a stream that was opened and read, with nothing special in the request.
#[derive(Debug)]
pub(super) struct Observation {
    pub(super) seen: Seen,
    /// How long it was looked at, from the request on.
    pub(super) lasted: Duration,
    /// The events that were produced on request.
    pub(super) produced: Vec<Produced>,
    /// Why none could be produced.
    pub(super) not_produced: Option<String>,
}

/// An event that was produced on request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Produced {
    /// When the request was answered.
    pub(super) at: Duration,
    /// How many events had come by then, and by the time that the next one was to be produced.
    pub(super) events_before: usize,
    pub(super) events_after: usize,
}

/// So many events are produced, if they are on request.
const PRODUCED: usize = 3;

/// How long a stream may take until it gets events, once its head is there.
const SETTLE: Duration = Duration::from_millis(100);

/// Looks at the stream. What the checks do at the same time must not produce events.
pub(super) async fn observe(
    mut answer: Answer,
    probe: &Probe,
    producer: Option<Parts>,
    expectations: &Expectations,
) -> Observation {
    let mut produced = Vec::new();
    let mut not_produced = None;
    if let Some(producer) = producer {
        // What comes before any event shows whether the stream opens by itself.
        let opening = expectations.opening_within();
        answer.read_for(opening, |seen| seen.size() > 0).await;
        answer.read_for(SETTLE, |_| false).await;
        for _ in 0..PRODUCED {
            let events_before = answer.seen.event_count();
            if let Err(reason) = produce(probe, &producer).await {
                not_produced = Some(reason);
                break;
            }
            let at = answer.elapsed();
            let enough = |seen: &Seen| seen.event_count() > events_before;
            answer.read_for(expectations.prompt, enough).await;
            produced.push(Produced {
                at,
                events_before,
                events_after: answer.seen.event_count(),
            });
            if answer.seen.end.is_some() {
                break;
            }
        }
    }
    answer
        .read_for(expectations.observed_for(), |_| false)
        .await;
    Observation {
        lasted: answer.elapsed(),
        seen: answer.seen,
        produced,
        not_produced,
    }
}

/// Makes the server produce an event.
pub(super) async fn produce(probe: &Probe, producer: &Parts) -> Result<(), String> {
    let answer = match probe.fetch(producer).await {
        Ok(answer) => answer,
        Err(NoAnswer::Unreachable(reason)) => return Err(reason),
        Err(other) => return Err(format!("{producer}: {other}")),
    };
    let status: StatusCode = answer.head.status;
    match status.is_success() {
        true => Ok(()),
        false => Err(format!("{producer} was answered {status}")),
    }
}
