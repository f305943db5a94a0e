//! Calling a `tower::Service` directly.

use std::future::poll_fn;

use http::Request;
use tower_service::Service;

use super::request::RequestBuilder;
use super::transport::{BoxError, Sending, Transport, boxed};
use crate::Body;

/// Sends `GET uri` with `Accept: text/event-stream` to a service in this process.
///
/// The service may be an `axum::Router`, a `tower::service_fn`, or whatever else takes a
/// [`Body`] and answers over `http` types. The request goes out when the returned builder is
/// awaited.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use axum::routing::get;
///
/// let app = axum::Router::new().route("/hello", get(|| async { "hi" }));
/// let response = sse_testkit::get(app, "/hello").await;
/// response.expect_status(200);
/// # }
/// ```
pub fn get<S, B>(service: S, uri: impl AsRef<str>) -> RequestBuilder
where
    S: Service<Request<Body>, Response = http::Response<B>> + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    RequestBuilder::get(InProcess(service), uri.as_ref())
}

/// Sends this request to a service in this process, like [`get`] but with any method and body.
///
/// Nothing but a missing `host` header is added to the request.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use axum::routing::post;
///
/// let app = axum::Router::new().route("/echo", post(|body: String| async { body }));
/// let request = http::Request::post("/echo").body("hello").unwrap();
/// assert_eq!(sse_testkit::request(app, request).await.body_text().await, "hello");
/// # }
/// ```
pub fn request<S, B, R>(service: S, request: Request<R>) -> RequestBuilder
where
    S: Service<Request<Body>, Response = http::Response<B>> + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
    R: Into<Body>,
{
    RequestBuilder::from_request(InProcess(service), request.map(Into::into))
}

pub(crate) struct InProcess<S>(pub(crate) S);

impl<S, B> Transport for InProcess<S>
where
    S: Service<Request<Body>, Response = http::Response<B>> + Send,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn send(&mut self, request: Request<Body>) -> Sending<'_> {
        Box::pin(async move {
            poll_fn(|cx| self.0.poll_ready(cx))
                .await
                .map_err(Into::into)?;
            let response = self.0.call(request).await.map_err(Into::into)?;
            Ok(boxed(response))
        })
    }

    fn needs_real_time(&self) -> bool {
        false
    }
}
