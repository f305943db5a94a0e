//! What lives exactly as long as a stream does.

use std::{pin::Pin, time::Duration};

use super::Watch;
use crate::{
    event::{Frame, retry_line},
    observe::Observed,
    on_error::OnError,
};

/// What a stream is opened with. Dropped, it gives everything back.
pub(crate) struct Guard {
    pub(crate) opening: Option<Frame>,
    pub(crate) on_error: OnError,
    pub(crate) observed: Observed,
    pub(crate) watch: Option<Pin<Box<Watch>>>,
}

/// The first bytes of a stream. They leave at once, so that proxies and browsers see it open.
pub(crate) fn opening(retry: Option<Duration>, bare: bool) -> Frame {
    match retry {
        Some(retry) => retry_line(retry),
        None if bare => Frame::from_static(b":\n"),
        None => Frame::from_static(b":\n\n"),
    }
}
