//! For axum: an [`Sse`] is a response, a [`LastEventId`] an argument.

use std::convert::Infallible;

use axum_core::{
    body::Body,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::request::Parts;

use crate::{error::EncodeError, last_event_id::LastEventId, sse::Sse, stream::EventStream};

impl<S> IntoResponse for Sse<S>
where
    S: EventStream + Send + 'static,
{
    fn into_response(self) -> Response {
        self.into_http_response().map(Body::new)
    }
}

impl<S> FromRequestParts<S> for LastEventId
where
    S: Sync,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::from_parts(parts))
    }
}

impl From<EncodeError> for axum_core::Error {
    fn from(error: EncodeError) -> Self {
        Self::new(error)
    }
}
