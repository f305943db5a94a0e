//! The body of the requests that the in-process client sends.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::Full;
use serde::de::IgnoredAny;

/// The request body a service under test is given.
///
/// Services that are generic over the request body, such as `axum::Router` or an unannotated
/// `service_fn`, take it as it is. For a service that insists on another type, map it:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use http::{Request, Response};
/// use tower::ServiceExt as _;
///
/// async fn picky(_: Request<axum::body::Body>) -> Result<Response<String>, std::io::Error> {
///     Ok(Response::new("hello".to_owned()))
/// }
///
/// let service = tower::service_fn(picky)
///     .map_request(|request: Request<sse_testkit::Body>| request.map(axum::body::Body::new));
/// assert_eq!(sse_testkit::get(service, "/").await.body_text().await, "hello");
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Body(Full<Bytes>);

impl Body {
    /// A body without bytes.
    pub fn empty() -> Self {
        Self::default()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self::empty()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Full::new(bytes))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from(text).into()
    }
}

/// What a body is sent as, if nobody says.
pub(crate) fn content_type_of(body: &[u8]) -> &'static str {
    match serde_json::from_slice::<IgnoredAny>(body) {
        Ok(_) => "application/json",
        Err(_) => "text/plain; charset=utf-8",
    }
}
