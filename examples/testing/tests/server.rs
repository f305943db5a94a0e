//! The log on a port, behind a network that misbehaves, and against the contract.
#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::net::SocketAddr;
use std::time::Duration;

use sse_testkit::chaos::{self, ChaosProxy};
use sse_testkit::contract::{self, Expectations, Target};
use tokio::net::TcpListener;

/// Serves the log on a port of its own for as long as the test lasts.
async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, log_stream::app()).into_future());
    address
}

async fn write(server: SocketAddr, text: &'static str) {
    let request = sse_testkit::connect(format!("http://{server}/log"));
    let response = request.method(http::Method::POST).body(text).await;
    response.expect_status(204);
}

#[tokio::test]
async fn a_reader_whose_network_breaks_comes_back_and_misses_nothing() {
    let server = serve().await;
    let network = ChaosProxy::start(server).await.unwrap();
    network.to_client(chaos::split_every(1));
    write(server, "one").await;

    let mut log = sse_testkit::connect(network.url("/v2/log")).await;
    log.expect_event("line").id("1").await;
    network.reset();
    log.expect_error().await;
    write(server, "two").await;
    log.reconnect().await;
    log.expect_event("line").id("2").await;
}

#[tokio::test]
async fn the_log_keeps_the_contract() {
    let server = serve().await;
    let expectations = Expectations::new()
        .resumable()
        .retry(Duration::from_secs(2))
        .produced_by(Target::post(format!("http://{server}/log"), "a line"))
        .stats(Target::get(format!("http://{server}/stats")), "/readers");
    let log = Target::get(format!("http://{server}/v2/log"));
    contract::check(log, expectations).await.assert_ok();
}
