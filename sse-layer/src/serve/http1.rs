//! A connection of HTTP/1 while it is hyper's.

use std::{future::poll_fn, pin::Pin, sync::Arc};

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use hyper::server::conn::http1::UpgradeableConnection;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;

use super::{
    Incoming, PeerAddr,
    drive::drive,
    eligible::Asked,
    handoff::{Handoff, Outgoing, Stream, Watched},
    registry::Shared,
    rewind::Rewind,
    served::Served,
};

/// A stream whose head is on the wire, with the connection that it is sent on.
pub(super) struct Taken<I, B> {
    pub(super) io: I,
    /// What was read behind the request.
    pub(super) ahead: Bytes,
    pub(super) stream: Stream<B>,
}

/// Serves requests until a response is a stream to be taken over, or the connection is over.
pub(super) async fn http1<I, S>(
    io: I,
    before: Bytes,
    service: S,
    peer: PeerAddr,
    shared: Arc<Shared>,
) -> Option<Taken<I, S::Body>>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Served,
{
    let handoff = Handoff::new();
    let takes_over = shared.settings.takes_over;
    let keeps_alive = shared.settings.keeps_alive;
    let holder = Arc::clone(&handoff);
    let answer = hyper::service::service_fn(move |request| {
        let (service, holder) = (service.clone(), Arc::clone(&holder));
        async move {
            let (parts, body) = received(request, peer);
            let asked = Asked::of(&parts, &body);
            let response = call(service, Request::from_parts(parts, body)).await?;
            if !takes_over || !asked.takes(&response) {
                return Ok(response.map(|body| Outgoing::Own { body }));
            }
            let closes = !keeps_alive || asked.closes(&response);
            Ok::<_, S::Error>(response.map(|body| Outgoing::Marked {
                marker: holder.hold(Stream { body, closes }),
            }))
        }
    });
    let io = TokioIo::new(Rewind::new(before, io));
    let io = Watched::new(io, Arc::clone(&handoff), shared.settings.write_timeout);
    let mut connection = shared
        .settings
        .http1
        .serve_connection(io, answer)
        .with_upgrades();
    let stream = drive(
        Pin::new(&mut connection),
        UpgradeableConnection::graceful_shutdown,
        &shared,
        || handoff.take(),
    )
    .await;
    let Some(stream) = stream else {
        handoff.end();
        return None;
    };
    let parts = connection.into_parts()?;
    let (rest, io) = parts.io.into_inner().into_inner().into_parts();
    Some(Taken {
        io,
        ahead: joined(&parts.read_buf, &rest),
        stream,
    })
}

/// A copy, since what hyper read into would stay as long as a byte of it.
fn joined(one: &Bytes, other: &Bytes) -> Bytes {
    let mut joined = BytesMut::with_capacity(one.len() + other.len());
    joined.extend_from_slice(one);
    joined.extend_from_slice(other);
    joined.freeze()
}

/// A request as the service gets it.
pub(super) fn received(
    request: Request<hyper::body::Incoming>,
    peer: PeerAddr,
) -> (http::request::Parts, Incoming) {
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(peer);
    (parts, Incoming::new(body))
}

pub(super) async fn call<S, B>(
    mut service: S,
    request: Request<Incoming>,
) -> Result<Response<B>, S::Error>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
{
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(request).await
}
