//! A connection of HTTP/2: hyper's to its end, since its streams share it.

use std::{
    future::{Future, poll_fn},
    pin::pin,
};

use bytes::Bytes;
use http::Request;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    PeerAddr,
    http1::{call, received},
    registry::Shared,
    rewind::Rewind,
    served::Served,
};

pub(super) async fn http2<I, S>(io: I, before: Bytes, service: S, peer: PeerAddr, shared: &Shared)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Served,
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
