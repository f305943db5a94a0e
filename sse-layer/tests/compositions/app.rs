//! The handlers that the compositions stand around.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    response::IntoResponse,
    routing::get,
};
use futures_util::{Stream, StreamExt, stream};
use http::Request;
use sse_layer::{ConnectionLimit, Drain, Event, Sse, SseLayer};

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A body that stops before its end.
pub(crate) fn stalled() -> Body {
    let half = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"{\"half\":"))]);
    Body::from_stream(half.chain(stream::pending()))
}

/// One event, then silence.
pub(crate) fn first_event() -> impl Stream<Item = Event> + Send {
    stream::iter([Event::text("first")]).chain(stream::pending())
}

/// A handler that answers at once, for services without a router.
pub(crate) async fn answer<B>(_: Request<B>) -> Result<http::Response<Body>, tower::BoxError> {
    Ok(Sse::new(first_event()).into_response())
}

/// Whatever a layer of ours shares, to be looked at from outside.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) limit: ConnectionLimit,
    pub(crate) drain: Drain,
    calls: Arc<AtomicUsize>,
}

impl Watched {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            limit: ConnectionLimit::new(max),
            drain: Drain::new().window(Duration::ZERO),
            calls: Arc::default(),
        }
    }

    pub(crate) fn layer(&self) -> SseLayer {
        SseLayer::new()
            .limit(self.limit.clone())
            .drain(self.drain.clone())
    }

    /// `/` streams at once, `/slow` after ten seconds.
    pub(crate) fn routes(&self) -> Router {
        let handler = |pause| {
            let calls = Arc::clone(&self.calls);
            get(async move || {
                calls.fetch_add(1, SeqCst);
                tokio::time::sleep(pause).await;
                Sse::new(first_event())
            })
        };
        Router::new()
            .route("/", handler(Duration::ZERO))
            .route("/slow", handler(secs(10)))
    }

    /// How often a handler was called.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(SeqCst)
    }

    /// Nothing is held, no request was refused, and at most so many held a permit at once.
    #[track_caller]
    pub(crate) fn expect_all_given_back(&self, peak: usize) {
        assert_eq!((self.limit.current(), self.drain.open()), (0, 0));
        assert_eq!((self.limit.peak(), self.limit.rejected()), (peak, 0));
    }
}
