use serde_json::{Value, json};

use crate::{id, millis, new_app, post_json, secs};

const PUBLISH: &str = "/api/notifications";
const STREAM: &str = "/sse/notifications";

#[tokio::test(start_paused = true)]
async fn a_notification_arrives_under_the_name_of_its_type() {
    let app = new_app().await;
    let mut sse = sse_testkit::get(app.clone(), STREAM).await;
    sse.expect_opening().await;
    let notification = r#"{"type":"deploy","data":{"version":"1.4","steps":[1,2]}}"#;
    let mut receipt = post_json(&app, PUBLISH, notification).await;
    receipt.expect_status(200);
    let expected = json!({ "published": true, "id": id(6), "receivers": 1 });
    assert_eq!(receipt.body_json::<Value>().await, expected);
    post_json(&app, PUBLISH, r#"{"type":"ping"}"#)
        .await
        .expect_status(200);
    sse.collect(2).await;
    insta::assert_snapshot!(sse.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_is_kept_alive() {
    let mut sse = sse_testkit::get(new_app().await, STREAM).await;
    sse.expect_opening().await;
    sse.expect_id(id(5)).await;
    sse.expect_idle(secs(15)).await;
    sse.expect_heartbeat().await;
    sse.expect_idle(secs(15)).await;
    sse.expect_heartbeat().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_cut_off_before_its_first_event_misses_nothing() {
    let app = new_app().await;
    let mut sse = sse_testkit::get(app.clone(), STREAM).await;
    // It has got no event, but it knows where it stands.
    sse.expect_id(id(5)).await;
    sse.close();
    post_json(&app, PUBLISH, r#"{"type":"missed","data":1}"#)
        .await
        .expect_status(200);
    let _ = sse.reconnect().await;
    sse.expect_event("missed").json(&1).await;
    sse.expect_no_event(millis(500)).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_listens() {
    let app = new_app().await;
    let mut receipt = post_json(&app, PUBLISH, r#"{"type":"x","data":null}"#).await;
    assert_eq!(receipt.body_json::<Value>().await["receivers"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_type_that_is_no_event_name_is_unprocessable() {
    let app = new_app().await;
    let mut sse = sse_testkit::get(app.clone(), STREAM).await;
    let long = "x".repeat(65);
    for kind in ["", "a\nb", "a\r", "error", "gap", &long] {
        let body = json!({ "type": kind, "data": "x" }).to_string();
        let mut answer = post_json(&app, PUBLISH, body).await;
        answer
            .expect_status(422)
            .expect_header("content-type", "application/json");
        let error: Value = answer.body_json().await;
        assert!(
            error["error"].as_str().unwrap().starts_with("type: "),
            "{error}"
        );
    }
    for body in [r#"{"type":7,"data":"x"}"#, r#"{"data":"x"}"#, "[]"] {
        let mut answer = post_json(&app, PUBLISH, body).await;
        answer.expect_status(422);
        assert!(answer.body_json::<Value>().await["error"].is_string());
    }
    sse.expect_no_event(secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_json_is_a_bad_request() {
    let app = new_app().await;
    for body in ["", "{", r#"{"type":"x","data":}"#] {
        let mut answer = post_json(&app, PUBLISH, body).await;
        answer.expect_status(400);
        assert!(answer.body_json::<Value>().await["error"].is_string());
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_large_is_refused() {
    let body = json!({ "type": "x", "data": "x".repeat(70_000) }).to_string();
    let mut answer = post_json(&new_app().await, PUBLISH, body).await;
    answer.expect_status(413);
    assert!(answer.body_json::<Value>().await["error"].is_string());
}

#[tokio::test(start_paused = true)]
async fn data_stays_as_it_was_written_on_one_line() {
    let app = new_app().await;
    let mut sse = sse_testkit::get(app.clone(), STREAM).await;
    sse.expect_opening().await;
    let body = "{\"type\":\"x\",\"data\":{\"z\":12345678901234567890123,\r\n\"a\":\"<b>\\n\"}}";
    post_json(&app, PUBLISH, body).await.expect_status(200);
    let data = sse.expect_event("x").await.data;
    assert!(!data.contains(['\r', '\n']), "{data:?}");
    assert!(data.contains(r#""z":12345678901234567890123"#), "{data:?}");
    assert!(data.contains(r#""a":"<b>\n""#), "{data:?}");
}
