use axum::http::Method;
use example_axum::Config;
use serde_json::{Value, json};
use sse_layer::{Drain, Event};

use crate::{app, config, id, millis, new_app, post, secs};

#[tokio::test(start_paused = true)]
async fn a_stream_too_many_is_answered_429_until_one_is_closed() {
    let app = app(Config {
        max_connections: 2,
        ..config()
    })
    .await;
    let mut one = sse_testkit::get(app.clone(), "/stocks").await;
    let two = sse_testkit::get(app.clone(), "/sse/live").await;
    let mut three = sse_testkit::get(app.clone(), "/sse/time").await;
    three.expect_status(429).expect_header("retry-after", "5");
    let expected = json!({ "error": "too many open event streams", "maxConnections": 2 });
    assert_eq!(three.body_json::<Value>().await, expected);

    // What is no stream is not limited.
    let mut stats = sse_testkit::get(app.clone(), "/sse/stats").await;
    let stats: Value = stats.body_json().await;
    let numbers = ["connections", "peak", "max", "rejected"].map(|name| stats[name].as_u64());
    assert_eq!(numbers, [2, 2, 2, 1].map(Some));

    drop(two);
    sse_testkit::get(app, "/sse/time").await.expect_status(200);
    one.expect_event("stockUpdate").await;
}

#[tokio::test(start_paused = true)]
async fn heartbeats_can_be_set_and_left_out() {
    let heartbeat = millis(500);
    let mut sse = sse_testkit::get(
        app(Config {
            heartbeat,
            ..config()
        })
        .await,
        "/orders/x/stream",
    )
    .await;
    sse.expect_opening().await;
    sse.expect_id(id(5)).await;
    sse.expect_idle(heartbeat).await;
    sse.expect_heartbeat().await;

    let heartbeat = secs(0);
    let mut sse = sse_testkit::get(
        app(Config {
            heartbeat,
            ..config()
        })
        .await,
        "/orders/x/stream",
    )
    .await;
    sse.expect_opening().await;
    sse.expect_id(id(5)).await;
    sse.expect_idle(secs(50)).await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_says_goodbye_and_lets_an_answer_come_to_its_end() {
    let drain = Drain::new()
        .window(secs(1))
        .deadline(secs(10))
        .retry(secs(3)..=secs(3))
        .farewell(Event::text("closing").event("bye"));
    let app = app(Config {
        drain: drain.clone(),
        ..config()
    })
    .await;
    let mut quiet = sse_testkit::get(app.clone(), "/sse/notifications").await;
    let mut tokens = sse_testkit::get(app.clone(), "/sse/ai/stream?prompt=hi").await;
    tokens.collect(3).await;

    drain.begin();
    quiet
        .expect_event("bye")
        .text("closing")
        .within(millis(1100))
        .await;
    quiet.expect_end().await;
    let rest = tokens.collect_to_end().await;
    assert_eq!(rest.last().unwrap().event, "done");
    drop((quiet, tokens));
    drain.finished().await.unwrap();

    // A browser that comes now is asked to come again; a POST still is answered.
    let mut late = sse_testkit::get(app.clone(), "/stocks").await;
    late.expect_status(200);
    late.expect_end().await;
    post(&app, "/orders/1/simulate").await.expect_status(202);
}

#[tokio::test(start_paused = true)]
async fn head_gets_the_headers_and_no_stream() {
    let mut head = sse_testkit::get(new_app().await, "/stocks")
        .method(Method::HEAD)
        .await;
    head.expect_status(200)
        .expect_header("content-type", "text/event-stream")
        .expect_header("cache-control", "no-cache, no-transform")
        .expect_header("x-accel-buffering", "no")
        .expect_no_header("connection");
    assert_eq!(head.body_text().await, "");
}
