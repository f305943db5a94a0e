//! A connection of HTTP/2: hyper's to its end, since its streams share it.

use std::pin::pin;

use bytes::Bytes;
use http::Request;
use hyper::server::conn::http2::Connection;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    PeerAddr,
    drive::drive,
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
    let connection = pin!(shared.settings.http2.serve_connection(io, answer));
    drive(connection, Connection::graceful_shutdown, shared, || {
        None::<()>
    })
    .await;
}
