//! The layer and what it is set to.

use std::{sync::Arc, time::Duration};

use tower_layer::Layer;

use crate::{
    drain::Drain,
    keep_alive::{Heartbeat, KeepAlive},
    limit::ConnectionLimit,
    observe::Meters,
    on_error::OnError,
    service::SseService,
    settings::Settings,
};

/// Turns what a service streams into a correct `text/event-stream`, and looks after it while it
/// lasts.
///
/// It may stand anywhere: around a service that answers [`Sse`](crate::Sse), or around one that
/// answers any [`http::Response`], such as an `axum::Router`. There an event stream is known by
/// its content type, whoever wrote it, and gets the same guard; all other responses pass as they
/// are. Layers within layers add up in permits and drains, and the inner one's heartbeats win.
///
/// What is shared, such as a limit's count, is made here and not where the layer is applied: a
/// router applies a layer to each of its routes.
///
/// ```
/// use std::{convert::Infallible, time::Duration};
/// use sse_layer::{ConnectionLimit, Event, KeepAlive, Sse, SseLayer};
/// use tower::{Layer, service_fn};
///
/// let layer = SseLayer::new()
///     .keep_alive(KeepAlive::new().interval(Duration::from_secs(20)))
///     .retry(Duration::from_secs(2))
///     .limit(ConnectionLimit::new(1000));
///
/// let service = layer.layer(service_fn(async |_: http::Request<()>| {
///     let hello = futures_util::stream::iter([Event::text("hello")]);
///     Ok::<_, Infallible>(Sse::new(hello))
/// }));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SseLayer {
    settings: Arc<Settings>,
}

impl SseLayer {
    /// A heartbeat after 15 seconds of silence, no limit, no drain, errors break streams off.
    pub fn new() -> Self {
        Self {
            settings: Arc::new(Settings {
                heartbeat: Heartbeat::new(KeepAlive::new()).map(Arc::new),
                retry: None,
                max_lifetime: None,
                on_error: OnError::default(),
                limit: None,
                drain: None,
                meters: Meters::default(),
            }),
        }
    }

    /// How silent streams are kept alive.
    pub fn keep_alive(self, keep_alive: KeepAlive) -> Self {
        self.set(|settings| settings.heartbeat = Heartbeat::new(keep_alive).map(Arc::new))
    }

    /// Sends no heartbeats.
    pub fn no_keep_alive(self) -> Self {
        self.set(|settings| settings.heartbeat = None)
    }

    /// How long clients wait before they reconnect, told with the first bytes of each stream.
    pub fn retry(self, retry: Duration) -> Self {
        self.set(|settings| settings.retry = Some(retry))
    }

    /// Ends each stream after this time, shortened at random by up to a fifth.
    pub fn max_lifetime(self, lifetime: Duration) -> Self {
        self.set(|settings| settings.max_lifetime = Some(lifetime))
    }

    /// What becomes of a stream that answers an error.
    pub fn on_error(self, on_error: OnError) -> Self {
        self.set(|settings| settings.on_error = on_error)
    }

    /// How many streams may be open.
    pub fn limit(self, limit: ConnectionLimit) -> Self {
        self.set(|settings| settings.limit = Some(limit))
    }

    /// The handle that ends all streams.
    pub fn drain(self, drain: Drain) -> Self {
        self.set(|settings| settings.drain = Some(drain))
    }

    fn set(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(Arc::make_mut(&mut self.settings));
        self
    }
}

impl Default for SseLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for SseLayer {
    type Service = SseService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SseService::new(inner, Arc::clone(&self.settings))
    }
}
