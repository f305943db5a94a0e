//! A connection, from its handshake to its end.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    time::timeout,
};

use super::{
    Handshake, PeerAddr,
    http1::{Taken, http1},
    http2::http2,
    registry::{Shared, Ticket},
    served::Served,
    sniff::{Protocol, sniff},
    writer::{Again, Writer},
};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

pin_project! {
    /// A connection that is served.
    ///
    /// Written by hand and not as an `async fn`, which would keep room for each argument twice:
    /// while a stream is open this has what the stream needs, and all else was in boxes that are
    /// gone.
    pub(super) struct Connection<I, S>
    where
        S: Served,
    {
        #[pin]
        state: State<I, S::Body>,
        service: S,
        peer: PeerAddr,
        ticket: Ticket,
    }
}

pin_project! {
    #[project = Projected]
    enum State<I, B> {
        Hyper { serving: Boxed<Option<Taken<I, B>>> },
        Stream { #[pin] writer: Writer<I, B>, closes: bool },
        Last { shutting: Boxed<()> },
    }
}

impl<I, S> Connection<I, S>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Served,
{
    pub(super) fn new<T, H>(io: T, handshake: H, service: S, peer: PeerAddr, ticket: Ticket) -> Self
    where
        T: Send + 'static,
        H: Handshake<T, Io = I>,
    {
        let shared = Arc::clone(ticket.shared());
        let first = first(io, handshake, service.clone(), peer, shared);
        Self {
            state: State::Hyper {
                serving: Box::pin(first),
            },
            service,
            peer,
            ticket,
        }
    }
}

impl<I, S> Future for Connection<I, S>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Served,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let shared = this.ticket.shared();
        let limit = shared.settings.write_timeout;
        loop {
            let next = match this.state.as_mut().project() {
                Projected::Hyper { serving } => {
                    let Some(taken) = ready!(serving.as_mut().poll(cx)) else {
                        return Poll::Ready(());
                    };
                    let Taken { io, ahead, stream } = taken;
                    State::Stream {
                        writer: Writer::new(io, ahead, stream.body),
                        closes: stream.closes,
                    }
                }
                Projected::Stream { writer, closes } => {
                    let Some(Again { io, ahead }) = ready!(writer.poll_end(limit, cx)) else {
                        return Poll::Ready(());
                    };
                    if *closes || shared.is_closing() {
                        State::Last {
                            shutting: Box::pin(shut(io, limit)),
                        }
                    } else {
                        let service = this.service.clone();
                        let shared = Arc::clone(shared);
                        State::Hyper {
                            serving: Box::pin(http1(io, ahead, service, *this.peer, shared)),
                        }
                    }
                }
                Projected::Last { shutting } => return shutting.as_mut().poll(cx),
            };
            this.state.set(next);
        }
    }
}

/// All that comes before the first stream.
async fn first<T, H, S>(
    io: T,
    handshake: H,
    service: S,
    peer: PeerAddr,
    shared: Arc<Shared>,
) -> Option<Taken<H::Io, S::Body>>
where
    T: Send + 'static,
    H: Handshake<T>,
    S: Served,
{
    let limit = shared.settings.header_read_timeout;
    let begun = async {
        let mut io = handshake.handshake(io).await?;
        let sniffed = sniff(&mut io).await?;
        io::Result::Ok(sniffed.map(|(protocol, read)| (io, protocol, read)))
    };
    let begun = tokio::select! {
        biased;
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
            http2(io, before, service, peer, &shared).await;
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

#[cfg(test)]
mod tests {
    use std::mem;

    use tokio::net::TcpStream;

    use super::*;

    #[test]
    fn an_open_stream_takes_a_task_of_256_bytes() {
        // tokio rounds up to 128, with 88 of its own.
        type OnAxum = Connection<TcpStream, axum::Router>;
        assert!(
            mem::size_of::<OnAxum>() <= 256 - 88,
            "{}",
            mem::size_of::<OnAxum>()
        );
    }
}
