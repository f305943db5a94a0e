//! What each route sends, on each of its ways, in process and on paused time.
#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on should say where"
)]

mod cors;
mod failures;
mod grpc;
mod heartbeats;
mod limits;
mod page;
mod same;
mod shutdown;

use std::time::Duration;

use axum::Router;
use example_tonic_web::{
    Config, app,
    proto::{Price, WatchRequest, prices_client::PricesClient},
};
use sse_testkit::{RequestBuilder, grpc_web::GrpcWebRequest};

const WATCH: &str = "/prices.v1.Prices/Watch";

/// Settings that make every run the same.
fn config() -> Config {
    Config {
        now: "2026-01-01T00:00:00Z".parse().unwrap(),
        ..Config::default()
    }
}

fn new_app() -> Router {
    app(config())
}

fn watch(symbols: &[&str]) -> WatchRequest {
    WatchRequest {
        symbols: symbols.iter().map(|&symbol| symbol.to_owned()).collect(),
        ..WatchRequest::default()
    }
}

/// The same call on each way.
fn sse(app: &Router, request: &WatchRequest) -> RequestBuilder {
    sse_testkit::get(app.clone(), path_of(request))
}

fn grpc_web(app: &Router, request: &WatchRequest) -> GrpcWebRequest {
    sse_testkit::grpc_web::call(app.clone(), WATCH).message(request)
}

fn grpc(app: &Router) -> PricesClient<Router> {
    PricesClient::new(app.clone())
}

fn path_of(request: &WatchRequest) -> String {
    let mut path = format!("/sse/prices?symbols={}", request.symbols.join(","));
    if let Some(count) = request.count {
        path += &format!("&count={count}");
    }
    if let Some(interval) = request.interval_ms {
        path += &format!("&intervalMs={interval}");
    }
    path
}

fn json(price: &Price) -> String {
    serde_json::to_string(price).unwrap()
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
