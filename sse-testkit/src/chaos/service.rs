//! A service whose responses suffer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use tower_service::Service;

use super::body::ChaosBody;
use super::fault::Chaos;

/// A service with faults in the bodies of its responses: what [`Chaos`] makes as a layer.
#[derive(Debug, Clone)]
pub struct ChaosService<S> {
    inner: S,
    chaos: Chaos,
}

/// The future of a [`ChaosService`].
#[derive(Debug)]
pub struct ChaosResponse<F> {
    response: Pin<Box<F>>,
    chaos: Chaos,
}

impl<S> ChaosService<S> {
    pub(super) fn new(inner: S, chaos: Chaos) -> Self {
        Self { inner, chaos }
    }
}

impl<S, R, B> Service<R> for ChaosService<S>
where
    S: Service<R, Response = Response<B>>,
{
    type Response = Response<ChaosBody<B>>;
    type Error = S::Error;
    type Future = ChaosResponse<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        ChaosResponse {
            response: Box::pin(self.inner.call(request)),
            chaos: self.chaos.clone(),
        }
    }
}

impl<F, B, E> Future for ChaosResponse<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<ChaosBody<B>>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.response.as_mut().poll(cx))?;
        Poll::Ready(Ok(response.map(|body| self.chaos.body(body))))
    }
}
