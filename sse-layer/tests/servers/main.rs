//! Over real sockets: what a connection carries, and what becomes of it.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod connection;
mod outer_layers;
mod shutdown;

use std::{net::SocketAddr, time::Duration};

use axum::Router;
use tokio::{
    net::TcpListener,
    time::{Instant, sleep, timeout},
};

/// The longest that anything here may take, on however busy a machine.
const BOUND: Duration = Duration::from_secs(20);

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

/// Serves HTTP/1.1 and HTTP/2 with prior knowledge until the runtime ends.
async fn serve(app: Router) -> String {
    let (listener, addr) = listener().await;
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{addr}")
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
