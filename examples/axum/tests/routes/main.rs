//! What each route sends, byte for byte, in process and on paused time.
#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on should say where"
)]

mod ai;
mod limits;
mod live;
mod nodes;
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
use example_axum::Config;
use serde::Deserialize;
use sse_testkit::{Event, RequestBuilder};

const EPOCH: u64 = 0xabc;

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

async fn new_app() -> Router {
    app(config()).await
}

/// The app on a hub of its own.
async fn app(config: Config) -> Router {
    let hub = config.hub().epoch(EPOCH).build();
    example_axum::app(config, hub).await
}

/// The id of the hub's nth message.
fn id(n: u64) -> String {
    format!("{EPOCH:016x}-{n}")
}

/// Which of the hub's messages an event is.
fn nth(event: &Event) -> u64 {
    let id = event.id.as_deref().unwrap();
    let n = id.strip_prefix(&format!("{EPOCH:016x}-")).unwrap();
    n.parse().unwrap()
}

/// What a page sees of events: beside that, the first of a response may carry a `retry`.
fn seen(events: &[Event]) -> Vec<(&str, &str, &str)> {
    events
        .iter()
        .map(|event| (&*event.last_event_id, &*event.event, &*event.data))
        .collect()
}

/// What a client is told of what it has missed.
#[derive(Debug, PartialEq, Deserialize)]
struct Gap {
    reason: String,
    missed: Option<u64>,
}

impl Gap {
    fn new(reason: &str, missed: Option<u64>) -> Self {
        Self {
            reason: reason.to_owned(),
            missed,
        }
    }
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
