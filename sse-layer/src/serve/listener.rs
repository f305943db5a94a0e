use std::{future::Future, io, net::SocketAddr};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};

/// What may be written ahead of what the peer has taken, in bytes: enough for any path, and a bound
/// on what a peer that doesn't read makes the kernel keep, which by itself is megabytes.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 128 * 1024;

/// Where connections come from.
///
/// Of a [`TcpListener`] they have `TCP_NODELAY` set, since an event is to leave when it is written,
/// and on Linux `TCP_NOTSENT_LOWAT`, at 128 KiB.
pub trait Listener: Send + 'static {
    /// A connection, as it is accepted.
    type Io: Send + 'static;

    /// Waits for the next connection. Must be safe to cancel.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from accepting; the server waits a moment and asks again.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Io, PeerAddr)>> + Send;
}

/// The other end of a request's connection: in the extensions of each request that
/// [`serve`](super::serve) hands on.
///
/// For handlers and layers that ask for axum's `ConnectInfo`, put it there:
///
/// ```
/// use axum::{Router, extract::{ConnectInfo, Request}, middleware::map_request};
/// use sse_layer::serve::PeerAddr;
///
/// async fn connect_info(mut request: Request) -> Request {
///     if let Some(addr) = request.extensions().get().and_then(PeerAddr::addr) {
///         request.extensions_mut().insert(ConnectInfo(addr));
///     }
///     request
/// }
///
/// let app: Router = Router::new().layer(map_request(connect_info));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(Option<SocketAddr>);

impl PeerAddr {
    /// Of a connection by TCP.
    pub const fn tcp(addr: SocketAddr) -> Self {
        Self(Some(addr))
    }

    /// Of a connection whose other end has no such address.
    pub const fn unknown() -> Self {
        Self(None)
    }

    /// Address and port, if the connection has them.
    pub const fn addr(&self) -> Option<SocketAddr> {
        self.0
    }
}

impl Listener for TcpListener {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, PeerAddr)> {
        let (io, addr) = Self::accept(self).await?;
        // Without these it works too.
        if let Err(error) = tune(&io) {
            tracing::debug!(%error, "a socket can't be tuned");
        }
        Ok((io, PeerAddr::tcp(addr)))
    }
}

fn tune(io: &TcpStream) -> io::Result<()> {
    io.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(io).set_tcp_notsent_lowat(UNSENT)?;
    Ok(())
}

#[cfg(unix)]
impl Listener for tokio::net::UnixListener {
    type Io = tokio::net::UnixStream;

    async fn accept(&mut self) -> io::Result<(Self::Io, PeerAddr)> {
        let (io, _) = Self::accept(self).await?;
        Ok((io, PeerAddr::unknown()))
    }
}

/// What stands between a connection as it is accepted and HTTP, such as TLS.
///
/// Each closure from one IO to a future of another is one:
///
/// ```no_run
/// # async fn run(
/// #     acceptor: tokio_rustls::TlsAcceptor,
/// #     listener: tokio::net::TcpListener,
/// #     app: axum::Router,
/// # ) -> Result<(), sse_layer::serve::CutOff> {
/// sse_layer::serve(listener, app)
///     .handshake(async move |tcp: tokio::net::TcpStream| acceptor.accept(tcp).await)
///     .await
/// # }
/// ```
pub trait Handshake<I>: Clone + Send + 'static {
    /// What HTTP is spoken over.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Shakes hands; called on a clone of its own for each connection. It has the time that a
    /// request's head has.
    ///
    /// # Errors
    ///
    /// Whatever the peer did wrong; its connection is closed.
    fn handshake(self, io: I) -> impl Future<Output = io::Result<Self::Io>> + Send;
}

/// No handshake, as [`serve`](super::serve) begins with: HTTP over the connection as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl<I> Handshake<I> for Plain
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Io = I;

    async fn handshake(self, io: I) -> io::Result<I> {
        Ok(io)
    }
}

impl<F, Fut, I, O> Handshake<I> for F
where
    F: FnOnce(I) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = io::Result<O>> + Send,
    I: Send,
    O: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Io = O;

    fn handshake(self, io: I) -> impl Future<Output = io::Result<O>> + Send {
        self(io)
    }
}
