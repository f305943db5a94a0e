use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The body of a request that [`serve`](super::serve) hands to the service.
pub struct Incoming {
    body: hyper::body::Incoming,
    /// `None` for one that was at its end from the start, as nearly all are, and for one that failed.
    ended: Option<Ended>,
}

/// Whether a request's body was read to its end.
///
/// Relaxed: the connection's task looks at it, and hands nothing over by it.
#[derive(Clone, Debug, Default)]
pub(super) struct Ended(Arc<AtomicBool>);

impl Ended {
    pub(super) fn is_true(&self) -> bool {
        self.0.load(Relaxed)
    }
}

impl Incoming {
    pub(super) fn new(body: hyper::body::Incoming) -> Self {
        Self {
            ended: (!body.is_end_stream()).then(Ended::default),
            body,
        }
    }

    pub(super) fn ended(&self) -> Option<Ended> {
        self.ended.clone()
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if matches!(frame, Some(Err(_))) {
            // Nothing comes behind an error, but that is no end.
            self.ended = None;
        }
        if let Some(ended) = &self.ended {
            if frame.is_none() || self.body.is_end_stream() {
                ended.0.store(true, Relaxed);
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Incoming").field(&self.body).finish()
    }
}
