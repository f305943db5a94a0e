use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::Incoming;
use crate::error::BoxError;

/// What [`serve`](crate::serve()) can serve: every service, an axum `Router` too, that answers
/// requests with responses, can be cloned and sent to other threads. Sealed.
pub trait Served:
    Service<Request<Incoming>, Response = Response<Self::Body>, Error: Into<BoxError>, Future: Send>
    + Clone
    + Send
    + 'static
{
    /// The body of its responses.
    type Body: Body<Data: Send, Error: Into<BoxError>> + Send + 'static;
}

impl<S, B> Served for S
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Body = B;
}
