//! How many streams may be open, for as long as they are open.
//!
//! tower's `ConcurrencyLimit` gives its permit back with the response head
//! ([tower-http#447](https://github.com/tower-rs/tower-http/pull/447)), when an event stream has
//! only just begun. Here the permit lives in the response's body.

mod counts;
mod over;
mod per_key;

use std::{fmt, hash::Hash, sync::Arc};

use http::{Method, request::Parts};

pub(crate) use self::counts::CountPermit;
pub use self::over::OverLimit;
use self::{
    counts::Counts,
    per_key::{Claim, KeyPermit, KeyRule, PerKey},
};
use crate::{headers::accepts_event_stream, observe::RejectReason, refusal::Refusal};

/// A limit on open streams, in all and per key, and a handle on its numbers.
///
/// Clones share the count, so that one stays with the caller for a stats endpoint, and one limit
/// can stand in several layers (one within the other, each takes a permit of its own). Rules are
/// each clone's own.
///
/// ```
/// use sse_layer::{ConnectionLimit, SseLayer};
///
/// let limit = ConnectionLimit::new(10_000)
///     .per_key(6, |request| request.headers.get("x-user").cloned());
/// let layer = SseLayer::new().limit(limit.clone());
///
/// assert_eq!((limit.current(), limit.peak(), limit.rejected()), (0, 0, 0));
/// assert_eq!(limit.max(), Some(10_000));
/// ```
#[derive(Clone)]
#[must_use]
pub struct ConnectionLimit {
    counts: Arc<Counts>,
    rules: Arc<Rules>,
}

#[derive(Clone)]
struct Rules {
    admission: Arc<dyn Fn(&Parts) -> bool + Send + Sync>,
    keys: Vec<Arc<dyn KeyRule>>,
    over: OverLimit,
}

impl ConnectionLimit {
    /// At most `max` streams at a time.
    pub fn new(max: usize) -> Self {
        Self::with_max(Some(max))
    }

    /// No limit in all: only counts, or limits per key.
    pub fn unlimited() -> Self {
        Self::with_max(None)
    }

    fn with_max(max: Option<usize>) -> Self {
        Self {
            counts: Arc::new(Counts::new(max)),
            rules: Arc::new(Rules {
                admission: Arc::new(asks_for_stream),
                keys: Vec::new(),
                over: OverLimit::default(),
            }),
        }
    }

    /// At most `max` streams at a time for each key, such as a user or an address. A request
    /// whose key is `None` is not limited by this rule.
    ///
    /// Can be called again for another kind of key. A key takes memory while it has a stream, and
    /// none after that.
    pub fn per_key<K, F>(mut self, max: usize, key: F) -> Self
    where
        K: Hash + Eq + Send + Sync + 'static,
        F: Fn(&Parts) -> Option<K> + Send + Sync + 'static,
    {
        Arc::make_mut(&mut self.rules)
            .keys
            .push(Arc::new(PerKey::new(max, key)));
        self
    }

    /// Which requests need a permit before their handler runs, so that a refused one costs
    /// nothing.
    ///
    /// By default a GET or POST whose `Accept` lists `text/event-stream`. For any other request
    /// the permit is taken when the response proves to be a stream; over the limit that stream is
    /// dropped before it was polled.
    ///
    /// A request that gets its permit early and a plain response in the end gives it back with the
    /// response, but counts until then. A route that is asked with that `Accept` and must answer
    /// over the limit too, such as one for these numbers, is left out here or stands outside the
    /// layer.
    pub fn when<F>(mut self, admission: F) -> Self
    where
        F: Fn(&Parts) -> bool + Send + Sync + 'static,
    {
        Arc::make_mut(&mut self.rules).admission = Arc::new(admission);
        self
    }

    /// What is answered over the limit: 429 by default.
    pub fn over_limit(mut self, over: OverLimit) -> Self {
        Arc::make_mut(&mut self.rules).over = over;
        self
    }

    /// How many streams are open now, with the requests whose handler has yet to answer.
    pub fn current(&self) -> usize {
        self.counts.current()
    }

    /// How many streams were open at once at most.
    pub fn peak(&self) -> usize {
        self.counts.peak()
    }

    /// How many requests were refused, over the limit in all or over one per key.
    pub fn rejected(&self) -> u64 {
        self.counts.rejected()
    }

    /// How many streams may be open at a time; `None` without a limit.
    pub fn max(&self) -> Option<usize> {
        self.counts.max()
    }

    /// Looks at a request before it goes to its handler.
    pub(crate) fn claim(&self, parts: &Parts, may_retry_later: bool) -> PermitClaim {
        PermitClaim {
            limit: self.clone(),
            keys: self
                .rules
                .keys
                .iter()
                .filter_map(|rule| rule.claim(parts))
                .collect(),
            early: (self.rules.admission)(parts),
            may_retry_later,
        }
    }
}

impl fmt::Debug for ConnectionLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionLimit")
            .field("max", &self.max())
            .field("current", &self.current())
            .field("peak", &self.peak())
            .field("rejected", &self.rejected())
            .finish_non_exhaustive()
    }
}

fn asks_for_stream(parts: &Parts) -> bool {
    (parts.method == Method::GET || parts.method == Method::POST)
        && accepts_event_stream(&parts.headers)
}

/// One request's claim to a permit, with its keys read while its head was there.
pub(crate) struct PermitClaim {
    limit: ConnectionLimit,
    keys: Vec<Box<dyn Claim>>,
    early: bool,
    may_retry_later: bool,
}

impl PermitClaim {
    /// Whether the permit is to be taken before the handler runs.
    pub(crate) fn is_early(&self) -> bool {
        self.early
    }

    /// Takes a permit of every rule, or none.
    pub(crate) fn acquire(self) -> Result<Permit, Refusal> {
        let Self {
            limit,
            keys,
            may_retry_later,
            ..
        } = self;
        let over = |reason, max| {
            limit.counts.reject();
            Refusal {
                reason,
                answer: limit.rules.over.answer(max, may_retry_later),
            }
        };
        // The keys first: a user over the own limit must not use up what all share, not for a
        // moment, nor show in the peak.
        let mut held = Vec::with_capacity(keys.len());
        for key in keys {
            let permit = key.acquire();
            held.push(permit.map_err(|max| over(RejectReason::KeyLimit, max))?);
        }
        let count = limit.counts.acquire();
        let count = count.map_err(|max| over(RejectReason::Limit, max))?;
        Ok(Permit {
            _keys: held.into(),
            _count: count,
        })
    }
}

/// Leave to have one stream open; given back on drop.
pub(crate) struct Permit {
    _keys: Box<[Box<dyn KeyPermit>]>,
    _count: CountPermit,
}
