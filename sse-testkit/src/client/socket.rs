//! Requests over connections of their own, with HTTP/1.1 or HTTP/2.

use std::error::Error as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, Uri, Version};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::JoinHandle;

use super::dial::{dial, refusal};
use super::request::RequestBuilder;
use super::transport::{BoxError, Sending, Transport, boxed};
use crate::Body;

/// Sends `GET url` with `Accept: text/event-stream` to a server, over a connection of its own.
///
/// The URL is an `http://` one, or with the feature `tls` an `https://` one. The connection speaks
/// HTTP/1.1, or HTTP/2 after [`http2`](RequestBuilder::http2), and always runs in real time: paused
/// time is resumed. Closing or dropping the stream closes the connection.
pub fn connect(url: impl AsRef<str>) -> RequestBuilder {
    RequestBuilder::get(Socket, url.as_ref())
}

impl RequestBuilder {
    /// Speaks HTTP/2: without TLS from the first byte on (prior knowledge), over TLS if the server
    /// agrees. Only sockets look at it.
    pub fn http2(mut self) -> Self {
        self.edit(|template| {
            template.version = Version::HTTP_2;
            Ok(())
        });
        self
    }

    /// Trusts the servers whose certificates these have signed, beside those that the system
    /// trusts; or the server whose own certificate this is. Only sockets look at it.
    ///
    /// It is the text of a PEM file, with one certificate or several.
    #[cfg(feature = "tls")]
    pub fn root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.edit(|template| super::tls::Roots::extend(&mut template.extensions, pem.as_ref()));
        self
    }
}

pub(crate) struct Socket;

impl Transport for Socket {
    fn send(&mut self, request: Request<Body>) -> Sending<'_> {
        Box::pin(send(request))
    }

    fn refuses(&self, uri: &Uri) -> Option<String> {
        refusal(uri)
    }

    fn needs_real_time(&self) -> bool {
        true
    }
}

async fn send(mut request: Request<Body>) -> Result<Response<super::ResponseBody>, BoxError> {
    let wire = TokioIo::new(dial(&request, request.version()).await?);
    let (response, driver) = if request.version() == Version::HTTP_2 {
        // It goes into `:authority`.
        request.headers_mut().remove(http::header::HOST);
        let (mut sender, connection) = conn::http2::handshake(TokioExecutor::new(), wire).await?;
        let driver = Driver(tokio::spawn(async { drop(connection.await) }));
        let response = sender.send_request(request).await;
        (response.map_err(no_head)?, driver)
    } else {
        let target = request.uri().path_and_query().cloned();
        *request.uri_mut() = target.map_or_else(Uri::default, Uri::from);
        let (mut sender, connection) = conn::http1::handshake(wire).await?;
        let driver = Driver(tokio::spawn(async { drop(connection.await) }));
        let response = sender.send_request(request).await;
        (response.map_err(no_head)?, driver)
    };
    Ok(boxed(response.map(|body| Connected {
        body,
        _driver: driver,
    })))
}

/// Why there is no response, in words that stay where those of the HTTP library change.
fn no_head(error: hyper::Error) -> BoxError {
    match is_closed(&error) || error.is_incomplete_message() {
        true => "the connection was closed before there was a response".into(),
        false => error.into(),
    }
}

/// Why a response is not whole.
fn broken_off(error: hyper::Error) -> BoxError {
    match is_closed(&error) {
        true => "the connection was closed before the response was whole".into(),
        false => error.into(),
    }
}

fn is_closed(error: &hyper::Error) -> bool {
    let io = error.source().and_then(|it| it.downcast_ref::<io::Error>());
    io.is_some_and(|it| it.kind() == io::ErrorKind::UnexpectedEof)
}

/// A response body that takes its connection along when it is dropped.
struct Connected {
    body: Incoming,
    _driver: Driver,
}

impl http_body::Body for Connected {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        frame.map(|frame| frame.map(|frame| frame.map_err(broken_off)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The task that moves the connection's bytes; aborting it drops the socket at once.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}
