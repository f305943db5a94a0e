//! A service whose requests suffer on their way to it.

use std::task::{Context, Poll};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use super::body::ChaosBody;
use super::fault::Chaos;

/// The layer that [`Chaos::on_requests`] makes.
#[derive(Debug, Clone)]
#[must_use = "it does nothing until it wraps something"]
pub struct ChaosRequests(Chaos);

/// A service with faults in the bodies of its requests.
#[derive(Debug, Clone)]
pub struct ChaosRequestsService<S> {
    inner: S,
    chaos: Chaos,
}

impl ChaosRequests {
    pub(super) fn new(chaos: Chaos) -> Self {
        Self(chaos)
    }
}

impl<S> Layer<S> for ChaosRequests {
    type Service = ChaosRequestsService<S>;

    fn layer(&self, inner: S) -> ChaosRequestsService<S> {
        ChaosRequestsService {
            inner,
            chaos: self.0.clone(),
        }
    }
}

impl<S, B> Service<Request<B>> for ChaosRequestsService<S>
where
    S: Service<Request<ChaosBody<B>>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        self.inner.call(request.map(|body| self.chaos.body(body)))
    }
}
