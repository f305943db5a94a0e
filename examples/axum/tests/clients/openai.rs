//! The official `openai` package, with the example's `/v1/chat/completions`.

use std::convert::Infallible;

use axum::{Router, body::Body, http::header, routing::post};
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{program::Server, python};

fn request(more: &Value) -> Value {
    let mut request = json!({
        "model": "canned-1",
        "messages": [{ "role": "user", "content": "naïve 日本語 🦀?" }],
    });
    let more = more.as_object().unwrap().clone();
    request.as_object_mut().unwrap().extend(more);
    request
}

#[tokio::test]
async fn a_streamed_answer_is_the_one_that_comes_whole() {
    let server = Server::start(&["--token-ms", "5"]).await;
    let Some(said) = python::chat(&server.url(""), &request(&json!({}))).await else {
        return;
    };
    let [completion, end] = &said[..] else {
        panic!("{said:?}");
    };
    assert_eq!(end["what"], "end");
    let whole = &completion["completion"];
    let answer = whole["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(answer.contains("naïve 日本語 🦀?"), "{answer}");

    let options = json!({ "stream": true, "stream_options": { "include_usage": true } });
    let said = python::chat(&server.url(""), &request(&options))
        .await
        .unwrap();
    let (end, chunks) = said.split_last().unwrap();
    // The iterator ends with [DONE], which is not a chunk.
    assert_eq!(end["what"], "end");
    let chunks: Vec<&Value> = chunks.iter().map(|line| &line["chunk"]).collect();
    let (usage, chunks) = chunks.split_last().unwrap();
    assert_eq!(
        usage["usage"]["total_tokens"],
        whole["usage"]["total_tokens"]
    );
    let choice = |chunk: &&Value| chunk["choices"][0].clone();
    let choices: Vec<Value> = chunks.iter().map(choice).collect();
    assert_eq!(choices[0]["delta"]["role"], "assistant");
    assert_eq!(choices.last().unwrap()["finish_reason"], "stop");
    let contents = choices
        .iter()
        .filter_map(|choice| choice["delta"]["content"].as_str());
    assert_eq!(contents.collect::<String>(), answer);
}

#[tokio::test]
async fn the_package_stops_at_done_and_does_not_wait_for_the_end() {
    // What follows is not read either.
    let chunk = |text: &str| {
        let delta = json!({ "index": 0, "delta": { "content": text }, "finish_reason": null });
        let chunk = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
            "model": "canned-1", "choices": [delta],
        });
        format!("data: {chunk}\n\n")
    };
    let events = [chunk("one"), "data: [DONE]\n\n".to_owned(), chunk("two")].concat();
    let answer = async move || {
        // The server would keep the connection open for good.
        let stream = stream::iter([Ok::<_, Infallible>(events)]).chain(stream::pending());
        let content_type = (header::CONTENT_TYPE, "text/event-stream");
        ([content_type], Body::from_stream(stream))
    };
    let app = Router::new().route("/v1/chat/completions", post(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });

    let request = request(&json!({ "stream": true }));
    let Some(said) = python::chat(&url, &request).await else {
        return;
    };
    let [only, end] = &said[..] else {
        panic!("{said:?}");
    };
    assert_eq!(only["chunk"]["choices"][0]["delta"]["content"], "one");
    assert_eq!(end["what"], "end");
}

#[tokio::test]
async fn an_error_before_the_stream_is_the_packages_own() {
    let server = Server::start(&[]).await;
    let refused = request(&json!({ "stream": true, "messages": [] }));
    let Some(said) = python::chat(&server.url(""), &refused).await else {
        return;
    };
    let expected = json!({
        "what": "error",
        "kind": "BadRequestError",
        "status": 400,
        "content_type": "application/json",
        "body": {
            "message": "there is no text from the user",
            "type": "invalid_request_error",
            "param": "messages",
            "code": null,
        },
    });
    assert_eq!(said[0], expected);
}

#[tokio::test]
async fn a_stream_over_the_limit_is_an_error_to_the_package() {
    let server = Server::start(&["--max-connections", "1"]).await;
    let mut open = sse_testkit::connect(server.url("/stocks")).await;
    open.expect_any_event().await;
    let request = request(&json!({ "stream": true }));
    let Some(said) = python::chat(&server.url(""), &request).await else {
        return;
    };
    let kind = (&said[0]["what"], &said[0]["kind"], &said[0]["status"]);
    assert_eq!(
        kind,
        (&json!("error"), &json!("RateLimitError"), &json!(429))
    );
}
