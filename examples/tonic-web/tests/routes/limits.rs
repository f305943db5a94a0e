use example_tonic_web::{Config, app};
use serde_json::{Value, json};

use crate::{config, grpc, grpc_web, sse, watch};

#[tokio::test(start_paused = true)]
async fn the_limit_is_one_of_event_streams_and_calls_are_answered_over_it() {
    let app = app(Config {
        max_connections: 1,
        ..config()
    });
    let acme = watch(&["ACME"]);
    let open = sse(&app, &acme).await;
    let mut refused = sse(&app, &acme).await;
    refused.expect_status(429).expect_header("retry-after", "5");
    let expected = json!({ "error": "too many open event streams", "maxConnections": 1 });
    assert_eq!(refused.body_json::<Value>().await, expected);

    let mut web = grpc_web(&app, &acme).await;
    web.expect_message().await;
    let mut native = grpc(&app).watch(acme.clone()).await.unwrap().into_inner();
    assert!(native.message().await.unwrap().is_some());

    // Nor do they take a place.
    let mut stats = sse_testkit::get(app.clone(), "/sse/stats").await;
    let expected = r#"{"connections":1,"peak":1,"max":1,"rejected":1}"#;
    assert_eq!(stats.body_text().await, expected);
    drop(open);
    sse(&app, &acme).await.expect_status(200);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_before_its_first_message_keeps_no_place() {
    let app = app(Config {
        max_connections: 1,
        ..config()
    });
    let refused = sse(&app, &watch(&["NOPE"])).await;
    refused.expect_status(404);
    sse(&app, &watch(&["ACME"])).await.expect_status(200);
}
