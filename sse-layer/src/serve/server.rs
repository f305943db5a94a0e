use std::{
    error::Error as StdError,
    fmt,
    future::{Future, IntoFuture, pending},
    pin::{Pin, pin},
    time::Duration,
};

use tokio::time::timeout_at;

use super::{
    Handshake, Listener, accept::accept, connection::Connection, listener::Plain, registry::Shared,
    served::Served, settings::Settings,
};
use crate::drain::Drain;

/// Serves a service, such as an axum `Router`, on all connections of a listener: HTTP/1.1 and HTTP/2
/// (by prior knowledge, or agreed on in a TLS handshake) on one port.
///
/// Runs when it is awaited, on a runtime of tokio's with IO and time. See the
/// [module](mod@crate::serve) for what it is for. Where the service answers an error, its connection
/// is closed without a word.
pub fn serve<L, S>(listener: L, service: S) -> Serve<L, S>
where
    L: Listener,
    S: Served,
{
    Serve {
        listener,
        service,
        handshake: Plain,
        drain: None,
        settings: Settings::new(),
    }
}

/// A server to be awaited: [`serve`] makes it.
#[must_use = "a server runs when it is awaited"]
pub struct Serve<L, S, H = Plain> {
    listener: L,
    service: S,
    handshake: H,
    drain: Option<Drain>,
    settings: Settings,
}

impl<L, S, H> Serve<L, S, H> {
    /// When the drain begins, the server stops accepting, closes connections that have nothing to
    /// answer, and each other one when it has answered; what is left half a second after the drain's
    /// deadline is cut off.
    ///
    /// Give it to the [`SseLayer`](crate::SseLayer) too, which is what ends the streams before that.
    /// Without a drain the server runs until it is dropped. Dropped, it accepts no more, and what is
    /// open goes on until its client leaves or the runtime ends.
    pub fn drain(mut self, drain: Drain) -> Self {
        self.drain = Some(drain);
        self
    }

    /// What stands between the connection and HTTP, such as TLS: see [`Handshake`].
    pub fn handshake<G>(self, handshake: G) -> Serve<L, S, G>
    where
        L: Listener,
        G: Handshake<L::Io>,
    {
        Serve {
            listener: self.listener,
            service: self.service,
            handshake,
            drain: self.drain,
            settings: self.settings,
        }
    }

    /// The time that a client has for its handshake and for the head of each request, in which a
    /// connection of HTTP/1.1 that is kept for the next request may also be silent: 30 seconds by
    /// default. On HTTP/2 it counts for the first bytes; after that a peer is asked every 30 seconds
    /// whether it is still there, and has 20 to say so. [`Duration::MAX`] is no limit.
    pub fn header_read_timeout(mut self, timeout: Duration) -> Self {
        self.settings.set_header_read_timeout(timeout);
        self
    }

    /// How large the head of a request may be, in bytes; over it, 431 is answered. By default it is
    /// 16 KiB on HTTP/2, and on HTTP/1.1 what hyper reads at most, about 400 KiB.
    pub fn max_header_size(mut self, bytes: u32) -> Self {
        let bytes_of_one = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.settings.http1.max_header_size(bytes_of_one);
        self.settings.http2.max_header_list_size(bytes);
        self
    }

    /// How many headers a request of HTTP/1.1 may have; over it, 431 is answered. 100 by default.
    pub fn max_headers(mut self, headers: usize) -> Self {
        self.settings.http1.max_headers(headers);
        self
    }

    /// Whether a connection of HTTP/1.1 is kept for another request: by default it is.
    pub fn keep_alive(mut self, keep_alive: bool) -> Self {
        self.settings.keeps_alive = keep_alive;
        self.settings.http1.keep_alive(keep_alive);
        self
    }

    /// How many connections may be open. Over it the next ones wait to be accepted. One that was
    /// upgraded, as to a WebSocket, is its handler's, and neither counted nor ended by the drain.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.max_connections = Some(connections.max(1));
        self
    }

    /// The time that a client of HTTP/1.1 has to take what was written to it: 30 seconds by default,
    /// and [`Duration::MAX`] is no limit. Whoever is slower is cut off. On a stream that was taken over
    /// from hyper it is the time for what is written at once, which is 64 KiB and an event at most,
    /// and the stream is told as `stalled`; for all else it is the time in which a client may take
    /// nothing at all. Connections that were upgraded have no such limit, nor has a client of HTTP/2
    /// that answers pings and gives no window. How long an upload takes is for the service to bound.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.settings.write_timeout = timeout;
        self
    }

    /// Whether streams are taken over from hyper: by default they are. Without it everything stays
    /// with hyper, for whoever wants to compare.
    pub fn take_over(mut self, take_over: bool) -> Self {
        self.settings.takes_over = take_over;
        self
    }
}

impl<L, S, H> Serve<L, S, H>
where
    L: Listener,
    H: Handshake<L::Io>,
    S: Served,
{
    async fn run(self) -> Result<(), CutOff> {
        let Self {
            mut listener,
            service,
            handshake,
            drain,
            settings,
        } = self;
        let most = settings.max_connections;
        let shared = Shared::new(settings);
        let mut draining = pin!(async {
            match &drain {
                Some(drain) => drain.begun().await,
                None => pending().await,
            }
        });
        let cut_off_at = loop {
            let next = async {
                if let Some(most) = most {
                    shared.fewer_than(most).await;
                }
                accept(&mut listener).await
            };
            let (io, peer) = tokio::select! {
                cut_off_at = &mut draining => break cut_off_at,
                next = next => next,
            };
            let (service, handshake) = (service.clone(), handshake.clone());
            shared.spawn(|ticket| Connection::new(io, handshake, service, peer, ticket));
        };
        drop(listener);
        shared.close();
        let all_gone = shared.fewer_than(1);
        let Some(cut_off_at) = cut_off_at else {
            all_gone.await;
            return Ok(());
        };
        match timeout_at(cut_off_at, all_gone).await {
            Ok(()) => Ok(()),
            Err(_) => Err(CutOff {
                connections: shared.abort_all(),
            }),
        }
    }
}

impl<L, S, H> IntoFuture for Serve<L, S, H>
where
    L: Listener,
    H: Handshake<L::Io>,
    S: Served,
{
    type Output = Result<(), CutOff>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<L, S, H> fmt::Debug for Serve<L, S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").finish_non_exhaustive()
    }
}

/// Connections were left after the drain's deadline, and cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutOff {
    connections: usize,
}

impl CutOff {
    /// How many connections were left.
    pub const fn connections(&self) -> usize {
        self.connections
    }
}

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections } = self;
        write!(
            f,
            "{connections} connections were cut off at the drain's deadline"
        )
    }
}

impl StdError for CutOff {}
