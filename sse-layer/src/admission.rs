//! A request on its way to becoming a stream: what it was let in with, and what it still owes.

use std::{sync::Arc, time::Duration};

use http::{Method, request::Parts};

use crate::{
    body::{Guard, Watch, opening},
    drain::DrainTicket,
    headers::accepts_event_stream,
    keep_alive::Heartbeat,
    limit::{Permit, PermitClaim},
    observe::{self, CloseReason, Observed, ObservedWithin, RequestUri},
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
    /// Taken early by a request that asks for a stream: it gets one even if a drain begins before
    /// its handler is done, and the drain waits for it.
    drain: Option<DrainTicket>,
    /// If a span may be going to tell it.
    uri: Option<RequestUri>,
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
    pub(crate) max_lifetime: Wish<Option<Duration>>,
    pub(crate) on_error: Wish<OnError>,
    pub(crate) finite: bool,
    /// Whether a layer further in observes the stream.
    pub(crate) observed: ObservedWithin,
}

#[derive(Default)]
pub(crate) enum Wish<T> {
    #[default]
    AsTheLayer,
    Own(T),
}

impl<T> Wish<T> {
    pub(crate) fn of(own: Option<T>) -> Self {
        own.map_or(Self::AsTheLayer, Self::Own)
    }

    fn or_else(self, layer: impl FnOnce() -> T) -> T {
        match self {
            Self::AsTheLayer => layer(),
            Self::Own(own) => own,
        }
    }
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
    Stream(Guard),
    /// A HEAD request: the head of a stream, and nothing behind it.
    Head,
    Refused(Refusal),
}

impl Admission {
    /// Lets a request through to its handler, or answers why not.
    pub(crate) fn of(settings: &Arc<Settings>, parts: &mut Parts) -> Result<Self, Refusal> {
        Self::try_of(settings, parts)
            .inspect_err(|refusal| observe::rejected(settings, refusal.reason))
    }

    fn try_of(settings: &Arc<Settings>, parts: &mut Parts) -> Result<Self, Refusal> {
        let is_head = parts.method == Method::HEAD;
        let accepts = accepts_event_stream(&parts.headers);
        let mut admission = Self {
            settings: Arc::clone(settings),
            permit: None,
            drain: None,
            uri: RequestUri::of(parts),
            is_head,
            may_retry_later: accepts && parts.method == Method::GET,
        };
        if is_head {
            return Ok(admission);
        }
        let claim = settings
            .limit
            .as_ref()
            .map(|limit| limit.claim(parts, admission.may_retry_later));
        let is_early = claim.as_ref().is_some_and(PermitClaim::is_early);
        if accepts || is_early {
            admission.drain = admission.register()?;
        }
        admission.permit = match claim {
            Some(claim) if is_early => Some(PermitState::Taken(claim.acquire()?)),
            claim => claim.map(PermitState::Claimed),
        };
        Ok(admission)
    }

    /// Opens a stream, now that the response has proven to be one.
    pub(crate) fn enter(mut self, wishes: Wishes) -> Entry {
        if self.is_head {
            return Entry::Head;
        }
        match self.take_places() {
            Ok((permit, drain)) => {
                let observed = Observed::join(&wishes.observed)
                    .unwrap_or_else(|| Observed::open(&self.settings, self.uri.as_ref()));
                Entry::Stream(wishes.guard(&self.settings, permit, drain, observed))
            }
            Err(refusal) => {
                observe::rejected(&self.settings, refusal.reason);
                if let Some(observed) = Observed::join(&wishes.observed) {
                    observed.close(CloseReason::Refused);
                }
                Entry::Refused(refusal)
            }
        }
    }

    /// The place in the drain and the permit, as far as the request does not have them yet.
    fn take_places(&mut self) -> Result<(Option<Permit>, Option<DrainTicket>), Refusal> {
        let drain = match self.drain.take() {
            Some(ticket) => Some(ticket),
            None => self.register()?,
        };
        let permit = match self.permit.take() {
            Some(PermitState::Taken(permit)) => Some(permit),
            Some(PermitState::Claimed(claim)) => Some(claim.acquire()?),
            None => None,
        };
        Ok((permit, drain))
    }

    fn register(&self) -> Result<Option<DrainTicket>, Refusal> {
        let Some(drain) = &self.settings.drain else {
            return Ok(None);
        };
        match drain.refusal(self.may_retry_later) {
            Some(refusal) => Err(refusal),
            None => Ok(Some(drain.register())),
        }
    }
}

impl Wishes {
    fn guard(
        self,
        settings: &Settings,
        permit: Option<Permit>,
        mut drain: Option<DrainTicket>,
        observed: Observed,
    ) -> Guard {
        let heartbeat = if self.opening == OpeningWish::Impossible {
            None
        } else {
            self.heartbeat.or_else(|| settings.heartbeat.clone())
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
        if let Some(ticket) = &mut drain {
            ticket.set_finite(self.finite);
        }
        let max_lifetime = self.max_lifetime.or_else(|| settings.max_lifetime);
        Guard {
            opening,
            on_error: self.on_error.or_else(|| settings.on_error.clone()),
            observed,
            watch: Watch::new(heartbeat, max_lifetime, drain, permit),
        }
    }
}
