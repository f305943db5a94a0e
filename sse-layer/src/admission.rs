//! A request on its way to becoming a stream: what it was let in with, and what it still owes.

use std::{sync::Arc, time::Duration};

use http::{Method, request::Parts};
use tokio::sync::futures::OwnedNotified;

use crate::{
    body::{Guard, opening},
    headers::accepts_event_stream,
    keep_alive::Heartbeat,
    limit::{Permit, PermitClaim},
    on_error::OnError,
    refusal::Refusal,
    settings::Settings,
};

/// What a layer knows of a request when its response comes.
#[expect(
    missing_debug_implementations,
    reason = "part of a sealed trait, and of no use outside"
)]
pub struct Admission {
    settings: Arc<Settings>,
    permit: Option<PermitState>,
    is_head: bool,
    may_retry_later: bool,
}

enum PermitState {
    Taken(Permit),
    /// Taken only if the response is a stream.
    Claimed(PermitClaim),
}

/// What the stream itself wants, before its layer is asked.
#[derive(Default)]
pub(crate) struct Wishes {
    pub(crate) heartbeat: Wish<Option<Arc<Heartbeat>>>,
    pub(crate) opening: OpeningWish,
    pub(crate) retry: Option<Duration>,
    pub(crate) max_lifetime: Option<Duration>,
    pub(crate) on_error: Option<OnError>,
    pub(crate) finite: bool,
}

#[derive(Default)]
pub(crate) enum Wish<T> {
    #[default]
    AsTheLayer,
    Own(T),
}

#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) enum OpeningWish {
    #[default]
    Wanted,
    /// Somebody further in has seen to it.
    Done,
    /// The bytes are not text that anything could be put into.
    Impossible,
}

/// What becomes of a response that is a stream.
pub(crate) enum Entry {
    Stream(Guard, Option<OwnedNotified>),
    /// A HEAD request: the head of a stream, and nothing behind it.
    Head,
    Refused(Refusal),
}

impl Admission {
    /// Lets a request through to its handler, or answers why not.
    pub(crate) fn of(settings: &Arc<Settings>, parts: &Parts) -> Result<Self, Refusal> {
        let is_head = parts.method == Method::HEAD;
        let may_retry_later = parts.method == Method::GET && accepts_event_stream(&parts.headers);
        let claim = match &settings.limit {
            Some(limit) if !is_head => Some(limit.claim(parts)),
            _ => None,
        };
        let wants_stream = accepts_event_stream(&parts.headers) && !is_head;
        if wants_stream {
            draining(settings, may_retry_later).map_or(Ok(()), Err)?;
        }
        let permit = match claim {
            Some(claim) if claim.is_early() => Some(PermitState::Taken(claim.acquire()?)),
            Some(claim) => Some(PermitState::Claimed(claim)),
            None => None,
        };
        Ok(Self {
            settings: Arc::clone(settings),
            permit,
            is_head,
            may_retry_later,
        })
    }

    /// Opens a stream, now that the response has proven to be one.
    pub(crate) fn enter(self, wishes: Wishes) -> Entry {
        let Self {
            settings,
            permit,
            is_head,
            may_retry_later,
        } = self;
        if is_head {
            return Entry::Head;
        }
        let permit = match permit {
            Some(PermitState::Taken(permit)) => Some(permit),
            // A permit in hand is a stream promised; all others are subject to the drain.
            other => {
                if let Some(refusal) = draining(&settings, may_retry_later) {
                    return Entry::Refused(refusal);
                }
                match other {
                    Some(PermitState::Claimed(claim)) => match claim.acquire() {
                        Ok(permit) => Some(permit),
                        Err(refusal) => return Entry::Refused(refusal),
                    },
                    _ => None,
                }
            }
        };
        let (ticket, drain_begins) = settings
            .drain
            .as_ref()
            .map(|drain| drain.register(wishes.finite))
            .unzip();
        let guard = wishes.guard(&settings);
        Entry::Stream(
            Guard {
                permit,
                drain: ticket,
                ..guard
            },
            drain_begins,
        )
    }
}

impl Wishes {
    fn guard(self, settings: &Settings) -> Guard {
        let heartbeat = match self.heartbeat {
            Wish::Own(heartbeat) => heartbeat,
            Wish::AsTheLayer if self.opening == OpeningWish::Impossible => None,
            Wish::AsTheLayer => settings.heartbeat.clone(),
        };
        let bare = heartbeat
            .as_ref()
            .is_some_and(|heartbeat| heartbeat.is_bare());
        let retry = self.retry.or(settings.retry);
        let opening = match self.opening {
            OpeningWish::Wanted => Some(opening(retry, bare)),
            OpeningWish::Done => settings.retry.map(|retry| opening(Some(retry), bare)),
            OpeningWish::Impossible => None,
        };
        Guard {
            heartbeat,
            opening,
            max_lifetime: self.max_lifetime.or(settings.max_lifetime),
            on_error: self.on_error.unwrap_or_else(|| settings.on_error.clone()),
            permit: None,
            drain: None,
        }
    }
}

fn draining(settings: &Settings, may_retry_later: bool) -> Option<Refusal> {
    settings.drain.as_ref()?.refusal(may_retry_later)
}
