//! What becomes of a stream that answers an error.

use std::{fmt, sync::Arc};

use crate::{
    error::Error,
    event::{Event, EventData, Frame},
};

/// What a client sees when the handler's stream answers an error, or an event can't be written.
///
/// The error is logged in each case. Its text never reaches the client, unless
/// [`event`](Self::event) puts it into one.
#[derive(Clone)]
pub struct OnError {
    // One pointer, since each stream has one of these; nowhere for the default.
    rules: Option<Arc<Rules>>,
}

#[derive(Clone)]
struct Rules {
    policy: Policy,
    is_fault: fn(&Error) -> bool,
}

#[derive(Clone)]
enum Policy {
    Abort,
    Close,
    Event(LastFrame),
}

type LastFrame = Arc<dyn Fn(&Error) -> Option<Frame> + Send + Sync>;

impl OnError {
    /// Breaks the response off (the default): the client sees the connection fail, and reconnects
    /// with its `Last-Event-ID`.
    pub const fn abort() -> Self {
        Self { rules: None }
    }

    /// Ends the response as if the stream had ended.
    pub fn close() -> Self {
        Self::with(Policy::Close)
    }

    /// Sends a last event, then ends the response. An event that can't be written is left out.
    ///
    /// ```
    /// use sse_layer::{Event, OnError};
    ///
    /// let policy = OnError::event(|_error| Event::text("try again later").event("error"));
    /// ```
    pub fn event<F, D>(event: F) -> Self
    where
        F: Fn(&Error) -> Event<D> + Send + Sync + 'static,
        D: EventData,
    {
        Self::with(Policy::Event(Arc::new(move |error| {
            event(error)
                .to_frame()
                .inspect_err(|error| tracing::error!(%error, "the error event can't be sent"))
                .ok()
        })))
    }

    fn with(policy: Policy) -> Self {
        Self {
            rules: Some(Arc::new(Rules {
                policy,
                ..Rules::DEFAULT
            })),
        }
    }

    /// Which errors are the server's fault. Others are part of what it has to say, and no matter
    /// for whoever looks after it.
    #[cfg(feature = "tonic")]
    pub(crate) fn faults(mut self, is_fault: fn(&Error) -> bool) -> Self {
        let rules = self.rules.get_or_insert_with(|| Arc::new(Rules::DEFAULT));
        Arc::make_mut(rules).is_fault = is_fault;
        self
    }

    fn rules(&self) -> &Rules {
        self.rules.as_deref().unwrap_or(&Rules::DEFAULT)
    }

    /// How the stream ends: with an error, with a last frame, or with neither.
    pub(crate) fn apply(&self, error: Error) -> Result<Option<Frame>, Error> {
        let rules = self.rules();
        if !error.is_from_within() {
            if (rules.is_fault)(&error) {
                tracing::error!(%error, "an event stream failed");
            } else {
                tracing::debug!(%error, "an event stream failed");
            }
        }
        match &rules.policy {
            Policy::Abort => Err(error),
            Policy::Close => Ok(None),
            Policy::Event(event) => Ok(event(&error)),
        }
    }
}

impl Rules {
    const DEFAULT: Self = Self {
        policy: Policy::Abort,
        is_fault: |_| true,
    };
}

impl Default for OnError {
    fn default() -> Self {
        Self::abort()
    }
}

impl fmt::Debug for OnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.rules().policy {
            Policy::Abort => "OnError::abort",
            Policy::Close => "OnError::close",
            Policy::Event(_) => "OnError::event",
        })
    }
}
