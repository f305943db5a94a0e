//! What each route sends, byte for byte, in process and on paused time.
#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on should say where"
)]

mod ai;
mod limits;
mod live;
mod notifications;
mod openai;
mod orders;
mod page;
mod stocks;
mod time;

use std::time::Duration;

use axum::{
    Router,
    http::{Method, Request},
};
use example_axum::{Config, app};
use sse_testkit::RequestBuilder;

/// Settings that make every run the same.
fn config() -> Config {
    Config {
        now: "2026-01-01T00:00:00Z".parse().unwrap(),
        seed: 7,
        // Never at the same moment as a price, whose order would then be a matter of chance.
        order_pace: millis(1300),
        ..Config::default()
    }
}

fn new_app() -> Router {
    app(config())
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn post(app: &Router, uri: &str) -> RequestBuilder {
    let request = Request::builder().method(Method::POST).uri(uri);
    sse_testkit::request(app.clone(), request.body("").unwrap())
}

fn post_json(app: &Router, uri: &str, json: impl Into<String>) -> RequestBuilder {
    let request = Request::builder()
        .method(Method::POST)
        .uri(uri)
        .header("content-type", "application/json");
    sse_testkit::request(app.clone(), request.body(json.into()).unwrap())
}
