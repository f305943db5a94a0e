//! What lives exactly as long as a stream does.

use std::{sync::Arc, time::Duration};

use crate::{
    drain::DrainTicket,
    event::{Frame, retry_line},
    keep_alive::Heartbeat,
    limit::Permit,
    observe::Observed,
    on_error::OnError,
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
    pub(crate) observed: Observed,
}

/// The first bytes of a stream. They leave at once, so that proxies and browsers see it open.
pub(crate) fn opening(retry: Option<Duration>, bare: bool) -> Frame {
    match retry {
        Some(retry) => retry_line(retry),
        None if bare => Frame::from_static(b":\n"),
        None => Frame::from_static(b":\n\n"),
    }
}
