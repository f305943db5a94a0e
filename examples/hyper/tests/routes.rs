//! The routes in process, on a paused clock.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod common;

use std::time::Duration;

use example_hyper::{App, Config, Running};
use http::Method;
use insta::assert_snapshot;
use sse_layer::{Drain, Event};
use sse_testkit::{Body, EventStream, RequestBuilder};

use self::common::shell;

fn start(config: Config) -> (App, Running) {
    App::start(Config {
        command: shell("sleep 1000"),
        now: "2026-05-04T03:02:01Z".parse().unwrap(),
        ..config
    })
    .unwrap()
}

fn get(app: &App, path: &str) -> RequestBuilder {
    sse_testkit::get(app.service::<Body>(), path)
}

async fn send(app: &App, method: Method, path: &str) -> EventStream {
    get(app, path).method(method).await
}

#[tokio::test(start_paused = true)]
async fn the_time_comes_once_a_second() {
    let (app, _running) = start(Config::default());
    let mut time = get(&app, "/sse/time").await;
    time.collect(3).await;
    assert_snapshot!(time.transcript());
}

#[tokio::test]
async fn a_silent_log_is_kept_alive_at_the_pace_that_was_asked_for() {
    let (app, _running) = start(Config {
        heartbeat: Duration::from_millis(2500),
        ..Config::default()
    });
    let mut logs = get(&app, "/sse/logs").await;
    logs.expect_heartbeat().await;
    logs.expect_idle(Duration::from_millis(2500)).await;
    logs.expect_heartbeat().await;
    assert_snapshot!(logs.transcript());
}

#[tokio::test]
async fn streams_beyond_the_limit_are_refused_and_counted() {
    let (app, _running) = start(Config {
        max_connections: 1,
        ..Config::default()
    });
    let open = get(&app, "/sse/time").await;
    open.expect_status(200);
    let mut refused = get(&app, "/sse/logs").await;
    refused.expect_status(429).expect_header("retry-after", "5");
    assert_snapshot!("refused", refused.body_text().await);

    let mut stats = get(&app, "/sse/stats").await;
    stats
        .expect_status(200)
        .expect_header("content-type", "application/json");
    assert_snapshot!("stats", stats.body_text().await);

    drop(open);
    get(&app, "/sse/logs").await.expect_status(200);
}

#[tokio::test]
async fn a_drain_says_farewell_and_turns_others_away() {
    let drain = Drain::new()
        .window(Duration::ZERO)
        .farewell(Event::text("the server is shutting down").event("bye"));
    let (app, _running) = start(Config {
        drain: drain.clone(),
        ..Config::default()
    });
    let mut time = get(&app, "/sse/time").await;
    time.expect_event("time").await;
    drain.begin();
    time.expect_event("bye")
        .text("the server is shutting down")
        .await;
    time.expect_end().await;

    let mut late = get(&app, "/sse/time").await;
    late.expect_status(200);
    late.expect_end().await;
}

#[tokio::test]
async fn the_page_is_served_and_loads_only_what_is_here() {
    let (app, _running) = start(Config::default());
    let mut page = get(&app, "/").await;
    page.expect_status(200)
        .expect_header("content-type", "text/html; charset=utf-8");
    let page = page.body_text().await;
    assert!(page.contains("src=\"/app.js\""));
    assert!(!page.contains("http:") && !page.contains("https:"));

    let mut script = get(&app, "/app.js").await;
    script
        .expect_status(200)
        .expect_header("content-type", "text/javascript; charset=utf-8");
    let script = script.body_text().await;
    assert!(script.contains("/sse/time") && script.contains("/sse/logs"));
    assert!(!script.contains("innerHTML"));
}

#[tokio::test]
async fn head_gets_the_head_of_what_get_gets() {
    let (app, _running) = start(Config::default());
    for path in ["/", "/app.js", "/sse/time", "/sse/logs", "/sse/stats"] {
        let got = get(&app, path).await;
        let mut head = send(&app, Method::HEAD, path).await;
        assert_eq!(head.status(), got.status(), "{path}");
        assert_eq!(head.headers(), got.headers(), "{path}");
        assert_eq!(head.body_text().await, "", "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_other_methods_are_told_which() {
    let (app, _running) = start(Config::default());
    for path in ["/sse", "/sse/time/", "/favicon.ico"] {
        get(&app, path).await.expect_status(404);
        send(&app, Method::POST, path).await.expect_status(404);
    }
    for path in ["/", "/app.js", "/sse/time", "/sse/logs", "/sse/stats"] {
        for method in [Method::POST, Method::DELETE, Method::OPTIONS] {
            let refused = send(&app, method, path).await;
            refused
                .expect_status(405)
                .expect_header("allow", "GET, HEAD");
        }
    }
}
