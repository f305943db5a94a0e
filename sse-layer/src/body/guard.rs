//! What lives exactly as long as a stream does.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    drain::DrainTicket,
    event::{Frame, retry_line},
    keep_alive::Heartbeat,
    limit::Permit,
    on_error::OnError,
    random::shorten,
};

/// What a stream is opened with. Dropped, it gives everything back.
#[derive(Default)]
pub(crate) struct Guard {
    pub(crate) heartbeat: Option<Arc<Heartbeat>>,
    pub(crate) opening: Option<Frame>,
    pub(crate) max_lifetime: Option<Duration>,
    pub(crate) on_error: OnError,
    pub(crate) permit: Option<Permit>,
    pub(crate) drain: Option<DrainTicket>,
}

impl Guard {
    /// Gives back what others wait for.
    pub(super) fn release(&mut self) {
        self.permit = None;
        self.drain = None;
    }

    /// When the stream has lived long enough: at 80 to 100 % of its time, so that streams opened
    /// together do not end together.
    pub(super) fn lifetime_end(&self, now: Instant) -> Option<Instant> {
        now.checked_add(shorten(self.max_lifetime?, 0.2))
    }
}

/// The first bytes of a stream. They leave at once, so that proxies and browsers see it open.
pub(crate) fn opening(retry: Option<Duration>, bare: bool) -> Frame {
    match retry {
        Some(retry) => retry_line(retry),
        None if bare => Frame::from_static(b":\n"),
        None => Frame::from_static(b":\n\n"),
    }
}
