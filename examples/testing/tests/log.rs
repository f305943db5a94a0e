//! The log in this process, without a port, on paused time.
#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use log_stream::app;
use serde_json::json;
use sse_testkit::json::any_number;
use sse_testkit::{Cut, Redactions, reconnecting};

/// Writes a line.
async fn write(app: &Router, text: &str) {
    let request = Request::post("/log").body(text.to_owned()).unwrap();
    let response = sse_testkit::request(app.clone(), request).await;
    response.expect_status(204);
}

#[tokio::test]
async fn a_reader_gets_the_lines_so_far_and_then_each_new_one() {
    let app = app();
    write(&app, "compiling").await;

    let mut log = sse_testkit::get(app.clone(), "/log").await;
    log.expect_status(200);
    log.expect_event("line")
        .id("1")
        .json_partial(&json!({ "text": "compiling", "at": any_number() }))
        .await;
    log.expect_no_event(Duration::from_secs(60)).await;

    write(&app, "done").await;
    log.expect_event("line")
        .id("2")
        .json_partial(&json!({ "text": "done" }))
        .await;
}

#[tokio::test]
async fn a_silent_log_sends_a_heartbeat_every_15_seconds() {
    let mut log = sse_testkit::get(app(), "/log").await;
    log.expect_idle(Duration::from_secs(14)).await;
    log.expect_heartbeat().await;
    log.expect_heartbeat().await;
    assert_eq!(log.elapsed(), Duration::from_secs(30));
}

static REDACTIONS: LazyLock<Redactions> = LazyLock::new(|| Redactions::new().json("at", "[time]"));

#[tokio::test]
async fn a_log_looks_like_this() {
    let app = app();
    write(&app, "compiling").await;
    let mut log = sse_testkit::get(app.clone(), "/log").await;
    log.expect_event("line").await;
    log.expect_heartbeat().await;
    write(&app, "two\nlines").await;
    log.expect_event("line").await;

    insta::assert_snapshot!(log.transcript().redact_with(&REDACTIONS), @r#"
    HTTP 200 OK
    cache-control: no-cache
    content-type: text/event-stream

    +0ms     event line #1 | {"text":"compiling","at":"[time]"}
    +15s     comment :
    +15s     event line #2 | {"text":"two\nlines","at":"[time]"}
    "#);
}

#[tokio::test]
async fn a_reader_that_comes_back_gets_what_it_has_missed() {
    let app = app();
    for line in ["one", "two", "three"] {
        write(&app, line).await;
    }
    let mut log = sse_testkit::get(app, "/log").last_event_id("2").await;
    log.expect_event("line").id("3").await;
    log.expect_no_event(Duration::from_secs(60)).await;
}

#[tokio::test]
async fn an_id_of_no_line_of_this_log_gets_all_lines() {
    let app = app();
    write(&app, "one").await;
    for id in ["7", "-1", "never seen", "99999999999999999999999"] {
        let mut log = sse_testkit::get(app.clone(), "/log")
            .last_event_id(id)
            .await;
        log.expect_event("line").id("1").await;
    }
}

#[tokio::test]
async fn a_reader_that_is_cut_off_again_and_again_sees_each_line_once() {
    let app = app();
    for line in 1..=20 {
        write(&app, &format!("line {line}")).await;
    }
    let ledger = reconnecting(sse_testkit::get(app, "/log"))
        .cut(3, Cut::MidFrame)
        .cut(2, Cut::Reset)
        .times(3)
        .read_until_id("20")
        .await;
    ledger.expect_ids(1..=20);
}

#[tokio::test]
async fn all_readers_see_the_same() {
    let app = app();
    write(&app, "one").await;
    let early = sse_testkit::get(app.clone(), "/log").await;
    write(&app, "two").await;
    let late = sse_testkit::get(app.clone(), "/log").await;
    write(&app, "three").await;

    let mut readers = sse_testkit::all([early, late]);
    readers.collect(3).await;
    readers.expect_same_events();
}

#[tokio::test]
async fn a_reader_that_has_gone_is_no_longer_counted() {
    let app = app();
    let readers = async || {
        let mut stats = sse_testkit::get(app.clone(), "/stats").await;
        stats.body_json::<serde_json::Value>().await
    };
    let log = sse_testkit::get(app.clone(), "/log").await;
    assert_eq!(readers().await, json!({ "readers": 1 }));
    drop(log);
    assert_eq!(readers().await, json!({ "readers": 0 }));
}
