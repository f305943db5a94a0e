use serde_json::{Value, json};

use crate::{new_app, post_json};

const URI: &str = "/v1/chat/completions";

fn request(extra: &Value) -> String {
    let mut request = json!({
        "model": "canned-1",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "hi" },
        ],
    });
    let fields = request.as_object_mut().unwrap();
    fields.extend(extra.as_object().unwrap().clone());
    request.to_string()
}

#[tokio::test(start_paused = true)]
async fn a_streamed_completion_ends_with_done() {
    let mut sse = post_json(&new_app().await, URI, request(&json!({ "stream": true }))).await;
    let events = sse.collect_to_end().await;
    assert_eq!(events.last().unwrap().data, "[DONE]");
    assert!(
        events
            .iter()
            .all(|event| event.event == "message" && event.id.is_none())
    );
    insta::assert_snapshot!(sse.transcript());
}

#[tokio::test(start_paused = true)]
async fn the_usage_comes_in_the_last_chunk_if_it_was_asked_for() {
    let options = json!({ "stream": true, "stream_options": { "include_usage": true } });
    let mut sse = post_json(&new_app().await, URI, request(&options)).await;
    let events = sse.collect_to_end().await;
    let [chunks @ .., usage, done] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(done.data, "[DONE]");
    for chunk in chunks {
        assert_eq!(chunk.json::<Value>().get("usage"), Some(&Value::Null));
    }
    let usage: Value = usage.json();
    assert_eq!(usage["choices"], json!([]));
    let tokens = chunks.len() - 2;
    let expected = json!({
        "prompt_tokens": 1,
        "completion_tokens": tokens,
        "total_tokens": tokens + 1,
    });
    assert_eq!(usage["usage"], expected);
}

#[tokio::test(start_paused = true)]
async fn without_stream_the_completion_comes_whole_and_is_the_same() {
    let app = new_app().await;
    let mut sse = post_json(&app, URI, request(&json!({ "stream": true }))).await;
    let streamed: String = sse
        .collect_to_end()
        .await
        .iter()
        .filter(|event| event.data != "[DONE]")
        .filter_map(|event| {
            let chunk: Value = event.json();
            Some(chunk["choices"][0]["delta"]["content"].as_str()?.to_owned())
        })
        .collect();

    let mut plain = post_json(&app, URI, request(&json!({}))).await;
    plain
        .expect_status(200)
        .expect_header("content-type", "application/json");
    let completion: Value = plain.body_json().await;
    assert_eq!(completion["object"], "chat.completion");
    let choice = &completion["choices"][0];
    let message = json!({ "role": "assistant", "content": streamed });
    assert_eq!(
        (&choice["message"], &choice["finish_reason"]),
        (&message, &json!("stop"))
    );
}

#[tokio::test(start_paused = true)]
async fn content_may_come_in_parts() {
    let body = json!({
        "model": "m",
        "messages": [{ "role": "user", "content": [{ "type": "text", "text": "in parts" }] }],
    });
    let mut plain = post_json(&new_app().await, URI, body.to_string()).await;
    let completion: Value = plain.body_json().await;
    let content = completion["choices"][0]["message"]["content"]
        .as_str()
        .unwrap();
    assert!(content.contains("in parts"), "{content}");
}

#[tokio::test(start_paused = true)]
async fn errors_have_the_shape_that_clients_of_the_api_read() {
    let app = new_app().await;
    let bodies = [
        "{".to_owned(),
        json!({ "messages": [{ "role": "user", "content": "hi" }] }).to_string(),
        request(&json!({ "messages": [] })),
        request(&json!({ "messages": [{ "role": "user", "content": "x".repeat(4001) }] })),
        request(&json!({ "stream": "yes" })),
        request(&json!({ "stream_options": { "include_usage": true } })),
    ];
    for body in bodies {
        let mut answer = post_json(&app, URI, body).await;
        answer.expect_status(400);
        let error: Value = answer.body_json().await;
        assert_eq!(error["error"]["type"], "invalid_request_error");
        assert!(error["error"]["message"].is_string(), "{error}");
        assert!(error["error"].get("param").is_some(), "{error}");
    }
    let mut answer = post_json(&app, URI, request(&json!({ "user": "x".repeat(70_000) }))).await;
    answer.expect_status(413);
    assert!(answer.body_json::<Value>().await["error"]["message"].is_string());
}
