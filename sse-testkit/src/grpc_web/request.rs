//! A gRPC-Web request: to a service in this process, or over a socket.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request};
use tower_service::Service;

use super::GrpcWebStream;
use crate::Body;
use crate::client::{BoxError, InProcess, RequestBuilder, Transport};

/// Calls a method of a gRPC service in this process, as a browser does.
///
/// The service may be an `axum::Router`, one of tonic's with `tonic_web::GrpcWebLayer` around it,
/// or whatever else takes a [`Body`] and answers over `http` types. The path names the method:
/// `/package.Service/Method`. The request goes out when the returned builder is awaited; the
/// [module](crate::grpc_web) shows it in use.
pub fn call<S, B>(service: S, path: impl AsRef<str>) -> GrpcWebRequest
where
    S: Service<Request<Body>, Response = http::Response<B>> + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    GrpcWebRequest::new(InProcess(service), path.as_ref())
}

/// Calls a method of a gRPC service over a connection of its own.
///
/// The URL is one that [`sse_testkit::connect`](crate::connect) takes, and its path names the
/// method: `/package.Service/Method`. The connection speaks HTTP/1.1, or HTTP/2 after [`http2`](GrpcWebRequest::http2), and always runs in
/// real time: paused time is resumed. Closing or dropping the stream closes the connection.
///
/// ```no_run
/// # async fn example() {
/// use sse_testkit::grpc_web;
///
/// let mut call = grpc_web::connect("http://127.0.0.1:3000/prices.v1.Prices/Watch").await;
/// call.expect_message().await;
/// # }
/// ```
#[cfg(feature = "socket")]
pub fn connect(url: impl AsRef<str>) -> GrpcWebRequest {
    GrpcWebRequest::new(crate::client::Socket, url.as_ref())
}

/// A gRPC-Web request that is sent when it is awaited.
///
/// It has one message, an empty one unless set, which is what protobuf makes of defaults. Awaiting
/// it yields a [`GrpcWebStream`], whatever happens: that the request was wrong, the service failed
/// or did not answer in time is told by the first expectation.
#[must_use = "nothing is sent until it is awaited"]
pub struct GrpcWebRequest {
    request: RequestBuilder,
    message: Bytes,
    text: bool,
}

const GRPC_WEB: HeaderName = HeaderName::from_static("x-grpc-web");

impl GrpcWebRequest {
    fn new(transport: impl Transport + 'static, uri: &str) -> Self {
        Self {
            request: RequestBuilder::to(transport, Method::POST, uri),
            message: Bytes::new(),
            text: false,
        }
    }

    /// Sets the message as it is encoded.
    pub fn message_bytes(mut self, message: impl Into<Bytes>) -> Self {
        self.message = message.into();
        self
    }

    /// Speaks `application/grpc-web-text`, which is base64, instead of `application/grpc-web`.
    pub fn text(mut self) -> Self {
        self.text = true;
        self
    }

    /// Sets a header; one that is already there is replaced, the content type as well.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        N::Error: fmt::Display,
        V: TryInto<HeaderValue>,
        V::Error: fmt::Display,
    {
        self.request = self.request.header(name, value);
        self
    }

    /// Speaks HTTP/2, as [`RequestBuilder::http2`] does.
    #[cfg(feature = "socket")]
    pub fn http2(mut self) -> Self {
        self.request = self.request.http2();
        self
    }

    /// Trusts these, as [`RequestBuilder::root_certificate`] does.
    #[cfg(feature = "tls")]
    pub fn root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.request = self.request.root_certificate(pem);
        self
    }

    /// Lets time run as usual, as [`RequestBuilder::real_time`] does.
    pub fn real_time(mut self) -> Self {
        self.request = self.request.real_time();
        self
    }

    /// Bounds each wait, as [`RequestBuilder::timeout`] does.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.request = self.request.timeout(timeout);
        self
    }

    /// With the headers and the body of gRPC-Web.
    fn framed(mut self) -> RequestBuilder {
        let content_type = HeaderValue::from_static(match self.text {
            true => "application/grpc-web-text+proto",
            false => "application/grpc-web+proto",
        });
        self.request.edit(|template| {
            let headers = &mut template.headers;
            headers.entry(CONTENT_TYPE).or_insert(content_type.clone());
            headers.entry(ACCEPT).or_insert(content_type);
            let yes = HeaderValue::from_static("1");
            headers.entry(GRPC_WEB).or_insert(yes);
            let frame = frame(&self.message)?;
            template.body = match self.text {
                true => STANDARD.encode(frame).into(),
                false => frame.into(),
            };
            Ok(())
        });
        self.request
    }
}

/// The message with its flags and its length.
fn frame(message: &[u8]) -> Result<Vec<u8>, String> {
    let Ok(size) = u32::try_from(message.len()) else {
        return Err(format!("a message can't have {} bytes", message.len()));
    };
    Ok([&[0], &size.to_be_bytes()[..], message].concat())
}

impl IntoFuture for GrpcWebRequest {
    type Output = GrpcWebStream;
    type IntoFuture = Pin<Box<dyn Future<Output = GrpcWebStream> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (recorder, template) = self.framed().start("gRPC-Web").await;
            GrpcWebStream::open(recorder, template).await
        })
    }
}

impl fmt::Debug for GrpcWebRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcWebRequest")
            .field("request", &self.request)
            .field("message", &self.message)
            .field("text", &self.text)
            .finish()
    }
}
