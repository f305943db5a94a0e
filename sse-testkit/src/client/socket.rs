//! Connecting to a server over TCP, with HTTP/1.1 or HTTP/2 without TLS.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, Uri, Version};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::request::RequestBuilder;
use super::transport::{BoxError, ResetOnClose, Sending, Transport, boxed};
use crate::Body;

/// Sends `GET url` with `Accept: text/event-stream` to a server, over a connection of its own.
///
/// The URL is an `http://` one. The connection speaks HTTP/1.1, or HTTP/2 after
/// [`http2`](RequestBuilder::http2), and always runs in real time: paused time is resumed.
/// Closing or dropping the stream closes the connection.
pub fn connect(url: impl AsRef<str>) -> RequestBuilder {
    RequestBuilder::get(Socket, url.as_ref())
}

impl RequestBuilder {
    /// Speaks HTTP/2 from the first byte on (prior knowledge). Only sockets look at it.
    pub fn http2(mut self) -> Self {
        self.edit(|template| {
            template.version = Version::HTTP_2;
            Ok(())
        });
        self
    }
}

pub(crate) struct Socket;

impl Transport for Socket {
    fn send(&mut self, request: Request<Body>) -> Sending<'_> {
        Box::pin(send(request))
    }

    fn refuses(&self, uri: &Uri) -> Option<String> {
        match uri.scheme_str() {
            Some("http") if !has_port(uri) => Some(format!("{uri} has a port that is none")),
            Some("http") => None,
            Some("https") => Some(format!(
                "{uri} is not an http:// URL, and this client speaks no TLS"
            )),
            _ => Some(format!("{uri} is not an http:// URL")),
        }
    }

    fn needs_real_time(&self) -> bool {
        true
    }
}

/// Whether a port that is written down is one.
fn has_port(uri: &Uri) -> bool {
    let authority = uri.authority().map_or("", |it| it.as_str());
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, it)| it);
    let after_host = host_and_port
        .rsplit_once(']')
        .map_or(host_and_port, |(_, it)| it);
    let port = after_host.rsplit_once(':').map_or("", |(_, port)| port);
    port.is_empty() || uri.port_u16().is_some()
}

async fn send(mut request: Request<Body>) -> Result<Response<super::ResponseBody>, BoxError> {
    let tcp = dial(request.uri()).await?;
    if request.extensions().get::<ResetOnClose>().is_some() {
        tcp.set_zero_linger()?;
    }
    let (response, driver) = if request.version() == Version::HTTP_2 {
        // It goes into `:authority`.
        request.headers_mut().remove(http::header::HOST);
        let (mut sender, connection) =
            conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tcp)).await?;
        let driver = Driver(tokio::spawn(async { drop(connection.await) }));
        (sender.send_request(request).await?, driver)
    } else {
        let target = request.uri().path_and_query().cloned();
        *request.uri_mut() = target.map_or_else(Uri::default, Uri::from);
        let (mut sender, connection) = conn::http1::handshake(TokioIo::new(tcp)).await?;
        let driver = Driver(tokio::spawn(async { drop(connection.await) }));
        (sender.send_request(request).await?, driver)
    };
    Ok(boxed(response.map(|body| Connected {
        body,
        _driver: driver,
    })))
}

/// There is nothing to send a request to.
#[derive(Debug)]
pub(crate) struct Unreachable(String);

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreachable {}

pub(crate) async fn dial(url: &Uri) -> Result<TcpStream, BoxError> {
    if let Some(reason) = Socket.refuses(url) {
        return Err(Unreachable(reason).into());
    }
    let host = url
        .host()
        .ok_or_else(|| Unreachable(format!("{url} has no host")))?;
    let port = url.port_u16().unwrap_or(80);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let tcp = TcpStream::connect((host, port))
        .await
        .map_err(|error| Unreachable(format!("can't connect to {host}:{port}: {error}")))?;
    tcp.set_nodelay(true)?;
    Ok(tcp)
}

/// A response body that takes its connection along when it is dropped.
struct Connected {
    body: Incoming,
    _driver: Driver,
}

impl http_body::Body for Connected {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
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
