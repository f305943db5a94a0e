//! A connection of HTTP/2: hyper's to its end, since its streams share it.

use std::{
    future::{Future, poll_fn},
    pin::pin,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;

use super::{
    Incoming, PeerAddr,
    http1::{call, received},
    registry::Shared,
    rewind::Rewind,
};
use crate::error::BoxError;

pub(super) async fn http2<I, S, B>(
    io: I,
    before: Bytes,
    service: S,
    peer: PeerAddr,
    shared: &Shared,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let answer = hyper::service::service_fn(move |request| {
        let service = service.clone();
        async move {
            let (parts, body) = received(request, peer);
            call(service, Request::from_parts(parts, body)).await
        }
    });
    let io = TokioIo::new(Rewind::new(before, io));
    let mut connection = pin!(shared.settings.http2.serve_connection(io, answer));
    let mut closing = pin!(shared.closing());
    let mut is_closing = false;
    let done = poll_fn(|cx| {
        if !is_closing && closing.as_mut().poll(cx).is_ready() {
            is_closing = true;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(cx)
    });
    if let Err(error) = done.await {
        tracing::debug!(%error, "a connection broke off");
    }
}
