//! The server on real sockets: what becomes of connections of every kind, and of those who don't
//! behave.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

#[cfg(unix)]
mod files;
mod handshakes;
mod leaving;
mod limits;
mod log;
#[cfg(unix)]
mod nginx;
mod raw;
mod shutdown;
#[cfg(unix)]
mod stalled;
mod upgrades;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::Router;
use futures_util::{Stream, StreamExt, stream};
use sse_layer::{
    Event, Sse,
    serve::{CutOff, Serve},
};
use tokio::{
    net::TcpListener,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

/// The longest that anything here may take, on however busy a machine.
const BOUND: Duration = Duration::from_secs(20);

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

/// Serves with these settings, until the drain or the runtime ends.
async fn start(
    app: Router,
    set: impl FnOnce(Serve<TcpListener, Router>) -> Serve<TcpListener, Router>,
) -> (SocketAddr, JoinHandle<Result<(), CutOff>>) {
    let (listener, addr) = listener().await;
    let server = set(sse_layer::serve(listener, app));
    (addr, tokio::spawn(server.into_future()))
}

/// Waits for a condition that nobody announces, and fails if it does not come.
async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < BOUND, "not in time: {what}");
        sleep(Duration::from_millis(1)).await;
    }
}

async fn in_time<F: Future>(what: &str, future: F) -> F::Output {
    match timeout(BOUND, future).await {
        Ok(output) => output,
        Err(_) => panic!("not in time: {what}"),
    }
}

/// How many of something there are.
#[derive(Clone, Debug, Default)]
struct Alive {
    now: Arc<AtomicUsize>,
    ever: Arc<AtomicUsize>,
}

impl Alive {
    fn count(&self) -> usize {
        self.now.load(SeqCst)
    }

    /// How many there have been, with those that there are.
    fn opened(&self) -> usize {
        self.ever.load(SeqCst)
    }

    /// One more, until it is dropped.
    fn one(&self) -> One {
        self.now.fetch_add(1, SeqCst);
        self.ever.fetch_add(1, SeqCst);
        One(self.clone())
    }
}

#[derive(Debug)]
struct One(Alive);

impl Drop for One {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, SeqCst);
    }
}

/// One event, then silence without end.
fn silence(alive: &Alive) -> impl Stream<Item = Event> + Send + use<> {
    let first = stream::iter([Event::text("first")]);
    with(alive.one(), first.chain(stream::pending()))
}

/// A stream that owns one of what is counted.
fn with<S>(one: One, stream: S) -> impl Stream<Item = S::Item> + Send + use<S>
where
    S: Stream + Send,
{
    stream.inspect(move |_| {
        let _ = &one;
    })
}

/// The same as axum itself has it: nothing but the server can end it.
fn foreign(alive: &Alive) -> impl axum::response::IntoResponse + use<> {
    let first = axum::response::sse::Event::default().data("first");
    let first = stream::iter([Ok::<_, std::convert::Infallible>(first)]);
    axum::response::Sse::new(with(alive.one(), first.chain(stream::pending())))
}

fn ours(alive: &Alive) -> Sse<impl Stream<Item = Event> + Send + use<>> {
    Sse::new(silence(alive))
}
