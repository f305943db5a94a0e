//! The service around a handler.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use crate::{
    admission::Admission, future::ResponseFuture, last_event_id::LastEventId,
    response::IntoEventResponse, settings::Settings,
};

/// A service whose event streams are looked after: [`SseLayer`](crate::SseLayer) makes it.
#[derive(Clone, Debug)]
pub struct SseService<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> SseService<S> {
    pub(crate) const fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings }
    }

    /// The service inside.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service inside.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B> Service<Request<B>> for SseService<S>
where
    S: Service<Request<B>>,
    S::Response: IntoEventResponse,
{
    type Response = Response<<S::Response as IntoEventResponse>::Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        match Admission::of(&self.settings, &mut parts) {
            Ok(admission) => {
                LastEventId::insert_into(&mut parts);
                let request = Request::from_parts(parts, body);
                ResponseFuture::admitted(self.inner.call(request), admission)
            }
            Err(refusal) => ResponseFuture::refused(refusal.into_response()),
        }
    }
}
