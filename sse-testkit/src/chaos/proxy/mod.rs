//! A TCP proxy for tests: any client, any server, and in between what the test switches on.

mod connection;
mod pump;
mod state;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::connection::Connection;
use self::state::{Count, State};
use super::fault::Chaos;

/// Stands between any client and any server, and does to their bytes what a test switches on while
/// it runs.
///
/// ```no_run
/// # async fn example(server: std::net::SocketAddr) -> std::io::Result<()> {
/// use sse_testkit::chaos::{self, ChaosProxy};
///
/// let proxy = ChaosProxy::start(server).await?;
/// proxy.to_client(chaos::split_every(1));
///
/// let mut sse = sse_testkit::connect(proxy.url("/events")).await;
/// sse.expect_any_event().await;
/// proxy.reset();
/// sse.expect_error().await;
/// sse.reconnect().await;
/// # Ok(())
/// # }
/// ```
///
/// It sees bytes, not HTTP: counts of bytes include the heads. TLS goes through it as it is: ask for
/// `https://` and its [address](Self::address), by a name that the server's certificate has. TCP may join pieces that follow each
/// other at once; a `delay` keeps them apart. What waits for a stalled reader waits in the buffers
/// of both sockets, as it does on a real network.
///
/// Dropping it closes the port and all connections.
#[derive(Debug)]
pub struct ChaosProxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    count: Arc<Count>,
    accepting: JoinHandle<()>,
}

impl ChaosProxy {
    /// Listens on a port of its own and leads to this server, without any fault yet.
    ///
    /// # Errors
    ///
    /// If there is no such address, or no port is left.
    pub async fn start(server: impl tokio::net::ToSocketAddrs) -> io::Result<Self> {
        let server = lookup_host(server).await?.next();
        let server = server.ok_or_else(|| io::Error::other("there is no such address"))?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (state, _) = watch::channel(State::default());
        let count = Arc::new(Count::default());
        let accepting = accept(listener, server, state.clone(), Arc::clone(&count));
        Ok(Self {
            address,
            accepting: tokio::spawn(accepting),
            state,
            count,
        })
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of this path, through the proxy.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Does this to what the server sends, on all connections, from the next byte on.
    pub fn to_client(&self, chaos: Chaos) {
        self.state.send_modify(|state| state.to_client.set(chaos));
    }

    /// Does this to what clients send, on all connections, from the next byte on.
    pub fn to_server(&self, chaos: Chaos) {
        self.state.send_modify(|state| state.to_server.set(chaos));
    }

    /// Moves no byte any more, in neither direction, until [`resume`](Self::resume): a client that
    /// does not read, a network that drops everything. Connections are accepted, but nothing comes
    /// of them.
    pub fn stall(&self) {
        self.state.send_modify(|state| state.is_stalled = true);
    }

    /// Moves bytes again.
    pub fn resume(&self) {
        self.state.send_modify(|state| state.is_stalled = false);
    }

    /// Ends all open connections cleanly, on both sides. New ones are accepted.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.endings.cuts += 1);
    }

    /// Resets all open connections, on both sides. New ones are accepted.
    pub fn reset(&self) {
        self.state.send_modify(|state| state.endings.resets += 1);
    }

    /// Resets each new connection as soon as it is accepted, until [`accept`](Self::accept): a
    /// server that is down. Those that are open stay so.
    pub fn refuse(&self) {
        self.state.send_modify(|state| state.is_refusing = true);
    }

    /// Accepts connections again.
    pub fn accept(&self) {
        self.state.send_modify(|state| state.is_refusing = false);
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.count.open()
    }

    /// How many connections there have been, those that were refused not counted.
    pub fn accepted(&self) -> usize {
        self.count.accepted()
    }
}

impl Drop for ChaosProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.state.send_modify(|state| state.endings.cuts += 1);
    }
}

async fn accept(
    listener: TcpListener,
    server: SocketAddr,
    state: watch::Sender<State>,
    count: Arc<Count>,
) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Out of file descriptors, most of the time: some may be free again later.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        let since = state.borrow().endings;
        if state.borrow().is_refusing {
            let _ = client.set_zero_linger();
            continue;
        }
        let open = Count::open_one(&count);
        let state = state.subscribe();
        tokio::spawn(async move {
            let _open = open;
            match TcpStream::connect(server).await {
                Ok(server) => Connection::new(client, server).run(state, since).await,
                Err(_) => {
                    let _ = client.set_zero_linger();
                }
            }
        });
    }
}
