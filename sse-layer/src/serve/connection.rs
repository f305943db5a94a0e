//! A connection, from its handshake to its end.

use std::{io, time::Duration};

use http::{Request, Response};
use http_body::Body;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    time::timeout,
};
use tower_service::Service;

use super::{
    Handshake, Incoming, PeerAddr,
    http1::{Taken, http1},
    http2::http2,
    registry::Ticket,
    sniff::{Protocol, sniff},
    writer::{Again, Writer},
};
use crate::error::BoxError;

/// Serves a connection.
///
/// Everything but the writer is in a box that goes when it is done: what is left of this future
/// while a stream is written is what the stream needs.
pub(super) async fn connection<T, H, S, B>(
    io: T,
    handshake: H,
    service: S,
    peer: PeerAddr,
    ticket: Ticket,
) where
    T: Send + 'static,
    H: Handshake<T>,
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let first = first(io, handshake, service.clone(), peer, &ticket);
    let mut taken = Box::pin(first).await;
    while let Some(Taken { io, ahead, stream }) = taken {
        let limit = ticket.shared().settings.write_timeout;
        let Some(Again { io, ahead }) = Writer::new(io, ahead, stream.body, limit).await else {
            return;
        };
        if stream.closes || ticket.shared().is_closing() {
            return Box::pin(shut(io, limit)).await;
        }
        taken = Box::pin(http1(io, ahead, service.clone(), peer, ticket.shared())).await;
    }
}

/// All that comes before the first stream.
async fn first<T, H, S, B>(
    io: T,
    handshake: H,
    service: S,
    peer: PeerAddr,
    ticket: &Ticket,
) -> Option<Taken<H::Io, B>>
where
    T: Send + 'static,
    H: Handshake<T>,
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let shared = ticket.shared();
    let limit = shared.settings.header_read_timeout;
    let begun = async {
        let mut io = handshake.handshake(io).await?;
        let sniffed = sniff(&mut io).await?;
        io::Result::Ok(sniffed.map(|(protocol, read)| (io, protocol, read)))
    };
    let begun = tokio::select! {
        begun = timeout(limit, begun) => begun,
        // Nobody has asked for anything yet.
        () = shared.closing() => return None,
    };
    let (io, protocol, before) = match begun {
        Ok(Ok(begun)) => begun?,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a connection did not come about");
            return None;
        }
        Err(_) => {
            tracing::debug!("a connection did not come about in time");
            return None;
        }
    };
    match protocol {
        Protocol::Http1 => http1(io, before, service, peer, shared).await,
        Protocol::Http2 => {
            http2(io, before, service, peer, shared).await;
            None
        }
    }
}

/// Says that nothing more comes, and closes.
async fn shut<I>(mut io: I, limit: Duration)
where
    I: AsyncWrite + Unpin,
{
    if let Ok(Err(error)) = timeout(limit, io.shutdown()).await {
        tracing::debug!(%error, "a connection broke off at its end");
    }
}
