use serde_json::{Value, json};
use sse_testkit::Reconnect;

use crate::new_app;

const URI: &str = "/sse/ai/stream?prompt=What%20is%20SSE%3F";

#[tokio::test(start_paused = true)]
async fn an_answer_comes_token_by_token_and_is_done() {
    let mut sse = sse_testkit::get(new_app(), URI).await;
    sse.collect_to_end().await;
    insta::assert_snapshot!(sse.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_was_cut_off_gets_the_rest_of_the_answer() {
    let app = new_app();
    let whole = text(
        &sse_testkit::get(app.clone(), URI)
            .await
            .collect_to_end()
            .await,
    );

    let mut sse = sse_testkit::get(app, URI).await;
    let mut events = sse.collect(7).await;
    sse.close();
    assert!(matches!(sse.reconnect().await, Reconnect::Open));
    events.extend(sse.collect_to_end().await);
    assert_eq!(text(&events), whole);
    assert!(matches!(sse.reconnect().await, Reconnect::Stopped));
}

#[tokio::test(start_paused = true)]
async fn an_answer_needs_a_prompt() {
    let app = new_app();
    let long = format!("/sse/ai/stream?prompt={}", "x".repeat(4001));
    for uri in [
        "/sse/ai/stream",
        "/sse/ai/stream?prompt=",
        "/sse/ai/stream?prompt=%20",
        &long,
    ] {
        let mut answer = sse_testkit::get(app.clone(), uri).await;
        answer
            .expect_status(400)
            .expect_header("content-type", "application/json");
        let error: Value = answer.body_json().await;
        assert!(
            error["error"].as_str().unwrap().starts_with("prompt: "),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_prompt_can_not_break_out_of_its_event() {
    let uri = "/sse/ai/stream?prompt=a%0Adata%3A%20x%0A%0Aevent%3A%20y%00%E2%80%A8";
    let mut sse = sse_testkit::get(new_app(), uri).await;
    for event in sse.collect_to_end().await {
        assert!(
            ["token", "done"].contains(&event.event.as_str()),
            "{event:?}"
        );
    }
}

fn text(events: &[sse_testkit::Event]) -> String {
    let (done, tokens) = events.split_last().unwrap();
    assert_eq!(done.event, "done");
    assert_eq!(done.json::<Value>(), json!({ "token": "", "done": true }));
    tokens
        .iter()
        .map(|event| event.json::<Value>()["token"].as_str().unwrap().to_owned())
        .collect()
}
