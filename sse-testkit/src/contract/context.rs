//! What every check has at hand.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Expectations;
use super::check::{Needs, Verdict};
use super::observation::Observation;
use super::probe::{Answer, NoAnswer, Probe};
use crate::record::Head;

/// What every check has at hand.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) probe: Probe,
    pub(super) expectations: Expectations,
    /// The answer to a request with nothing special in it.
    pub(super) first: Result<First, NoAnswer>,
    pub(super) observation: watch::Receiver<Option<Arc<Observation>>>,
}

/// The head of the first answer.
#[derive(Debug, Clone)]
pub(super) struct First {
    pub(super) head: Head,
    pub(super) after: Duration,
    pub(super) coding: Option<String>,
}

impl First {
    pub(super) fn of(answer: &Answer) -> Self {
        Self {
            head: answer.head.clone(),
            after: answer.head_after,
            coding: answer.coding(),
        }
    }
}

impl Context {
    /// Why a check with these needs makes no sense here.
    pub(super) fn lacks(&self, needs: Needs) -> Option<Verdict> {
        if needs == Needs::Nothing {
            return None;
        }
        let Ok(first) = &self.first else {
            return Some(Verdict::not_applicable("there was no answer to look at"));
        };
        let status = first.head.status;
        let reason = if status != http::StatusCode::OK {
            format!("the answer was {status}")
        } else if needs >= Needs::Stream && !first.head.is_event_stream() {
            "the answer is no text/event-stream".to_owned()
        } else if needs >= Needs::Readable && first.coding.is_some() {
            "the stream has a content coding, although none was accepted".to_owned()
        } else {
            return None;
        };
        Some(Verdict::not_applicable(reason))
    }

    /// The head of the first answer, for checks that need one.
    pub(super) fn first(&self) -> Result<&First, Verdict> {
        let none = || Verdict::not_applicable("there was no answer to look at");
        self.first.as_ref().map_err(|_| none())
    }

    /// What was seen of the stream, once that is known.
    pub(super) async fn observation(&self) -> Result<Arc<Observation>, Verdict> {
        let mut observation = self.observation.clone();
        let seen = observation.wait_for(Option::is_some).await;
        let seen = seen.ok().and_then(|it| it.clone());
        seen.ok_or_else(|| Verdict::not_applicable("the stream was not looked at"))
    }
}
