use axum::http::Method;
use example_tonic_web::proto::{Price, WatchRequest};
use serde_json::{Value, json};
use sse_testkit::grpc_web::{Code, call};

use crate::{WATCH, grpc, grpc_web, new_app, sse, watch};

#[tokio::test(start_paused = true)]
async fn a_status_in_the_middle_is_the_last_event_and_the_trailer() {
    let request = watch(&["INIT", "BUBBLE"]);
    let mut sse = sse(&new_app(), &request).await;
    let events = sse.collect(8).await;
    sse.expect_end().await;
    assert_eq!(events.last().unwrap().event, "error");

    let mut grpc = grpc_web(&new_app(), &request).await;
    // Three prices of each, and one of what is not suspended.
    let messages = grpc.collect(7).await;
    grpc.expect_grpc_status(Code::ABORTED)
        .message("trading in BUBBLE is suspended")
        .await;

    let sent = events.iter().take(7).map(|event| event.data.clone());
    let same: Vec<_> = messages
        .iter()
        .map(|message| crate::json(&message.decode()))
        .collect();
    assert_eq!(sent.collect::<Vec<_>>(), same);
    insta::assert_snapshot!(format!(
        "{}\n{}",
        sse.transcript().without_headers(),
        grpc.transcript()
            .without_headers()
            .messages_as_json::<Price>()
    ));
}

/// What can be asked for in vain, and the numbers that say so in gRPC and in HTTP.
fn refused() -> [(WatchRequest, Code, u16, Value); 4] {
    let none = "a symbol is of 1 to 8 capital letters";
    let refused =
        |code: i32, status, message| json!({ "code": code, "status": status, "message": message });
    [
        (
            watch(&["ACME", "NOPE"]),
            Code::NOT_FOUND,
            404,
            refused(5, "NOT_FOUND", "no such symbol: NOPE"),
        ),
        (
            watch(&["acme"]),
            Code::INVALID_ARGUMENT,
            400,
            refused(3, "INVALID_ARGUMENT", none),
        ),
        (
            WatchRequest {
                count: Some(0),
                ..watch(&["ACME"])
            },
            Code::INVALID_ARGUMENT,
            400,
            refused(3, "INVALID_ARGUMENT", "a count is at least 1"),
        ),
        (
            WatchRequest {
                interval_ms: Some(9),
                ..watch(&["ACME"])
            },
            Code::INVALID_ARGUMENT,
            400,
            refused(3, "INVALID_ARGUMENT", "an interval is from 10 to 60000 ms"),
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_before_its_first_message_is_an_http_status() {
    let app = new_app();
    for (request, _, status, body) in refused() {
        let mut answer = sse(&app, &request).await;
        answer
            .expect_status(status)
            .expect_header("content-type", "application/json");
        assert_eq!(answer.body_json::<Value>().await, body);
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_a_grpc_status_on_the_other_ways() {
    let app = new_app();
    for (request, code, _, body) in refused() {
        let message = body["message"].as_str().unwrap();
        let mut answer = grpc_web(&app, &request).await;
        answer.expect_status(200);
        answer.expect_grpc_status(code).message(message).await;

        let status = grpc(&app).watch(request).await.unwrap_err();
        assert_eq!(status.code() as i32, code.number());
        assert_eq!(status.message(), message);
    }
}

#[tokio::test(start_paused = true)]
async fn a_query_that_is_none_is_an_invalid_argument_too() {
    let app = new_app();
    for query in [
        "",
        "?symbols=",
        "?symbols=ACME&count=many",
        "?symbols=ACME&count=-1",
        "?symbols=ACME&intervalMs=1e3",
    ] {
        let mut answer = sse_testkit::get(app.clone(), format!("/sse/prices{query}")).await;
        answer
            .expect_status(400)
            .expect_header("content-type", "application/json");
        let body: Value = answer.body_json().await;
        assert_eq!(body["status"], "INVALID_ARGUMENT", "{query}: {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_not_found_and_what_is_there_not_for_any_method() {
    let app = new_app();
    for path in [
        "/nothing",
        "/sse",
        "/sse/nothing",
        "/prices.v1.Prices",
        "/other.v1.Other/Call",
    ] {
        sse_testkit::get(app.clone(), path).await.expect_status(404);
    }
    sse(&app, &watch(&["ACME"]))
        .method(Method::POST)
        .await
        .expect_status(405);
}

#[tokio::test(start_paused = true)]
async fn methods_that_the_service_does_not_have_are_unimplemented() {
    let mut grpc = call(new_app(), "/prices.v1.Prices/Nothing").await;
    grpc.expect_status(200);
    grpc.expect_grpc_status(Code::UNIMPLEMENTED).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_none_is_refused_without_harm() {
    let app = new_app();
    // A text of three bytes, of which one is there.
    let mut grpc = call(app.clone(), WATCH)
        .message_bytes(vec![0x0a, 3, b'A'])
        .await;
    grpc.expect_status(200);
    grpc.expect_grpc_status(Code::INTERNAL).await;
    sse(&app, &watch(&["ACME"])).await.expect_status(200);
}
