//! Messages as prost's types, and beside the event stream that says the same.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]
#![cfg(feature = "prost")]

use std::convert::Infallible;

use http::Request;
use http_body_util::BodyExt as _;
use sse_testkit::Body;
use sse_testkit::grpc_web;

#[macro_use]
mod fails;
mod scripted;

use self::scripted::Step::{Pause, Send};
use self::scripted::{Answer, BINARY, answer, frame, number, ok, watch};

/// The same two prices as an event stream and over gRPC-Web.
async fn prices(request: Request<Body>) -> Result<Answer, Infallible> {
    Ok(match request.uri().path() {
        "/prices" => answer(
            &[("content-type", "text/event-stream")],
            vec![
                Send(b"data: 5\n\n".to_vec()),
                Pause(15),
                Send(b"data: 7\n\n".to_vec()),
            ],
        ),
        _ => answer(BINARY, vec![number(5), Pause(15), number(7), ok()]),
    })
}

#[tokio::test]
async fn one_snapshot_shows_that_both_sides_carry_the_same_messages() {
    let service = tower::service_fn(prices);
    let mut sse = sse_testkit::get(service, "/prices").await;
    let events = sse.collect_to_end().await;
    let mut call = grpc_web::call(service, "/prices.v1.Prices/Watch").await;
    let messages = call.collect_to_end().await;
    let sent: Vec<u32> = events.iter().map(|it| it.json()).collect();
    let called: Vec<u32> = messages.iter().map(|it| it.decode()).collect();
    assert_eq!(sent, called);

    let (sse, call) = (sse.transcript(), call.transcript());
    let both = format!("{sse}\n{}", call.messages_as_json::<u32>());
    insta::assert_snapshot!(both, @r"
    HTTP 200 OK
    content-type: text/event-stream

    +0ms     event message | 5
    +15s     event message | 7
    +15s     end

    HTTP 200 OK
    content-type: application/grpc-web+proto

    +0ms     message | 5
    +15s     message | 7
    +15s     status 0 OK
    +15s     end
    ");
}

#[tokio::test]
async fn a_message_is_sent_compared_and_decoded_as_its_type() {
    let service = tower::service_fn(|request: Request<Body>| async {
        // The request's message comes back, with its frame.
        let frame = request.into_body().collect().await.unwrap().to_bytes();
        Ok::<_, Infallible>(answer(BINARY, vec![Send(frame.to_vec()), number(1), ok()]))
    });
    let mut call = grpc_web::call(service, "/echo.Echo/Echo")
        .message(&"hello".to_owned())
        .await;
    call.expect_message().proto(&"hello".to_owned()).await;
    assert_eq!(call.expect_message().await.decode::<u32>(), 1);
    call.expect_end().await;
}

#[tokio::test]
async fn messages_are_shown_as_their_type_and_as_bytes_if_they_are_none() {
    let mut call = watch(BINARY, [frame(0, b"\x0a\x01x"), number(1), ok()]).await;
    call.collect_to_end().await;
    let transcript = call.transcript().without_headers().without_times();
    let transcript = transcript.redact("failed to decode.*", "[why]");
    insta::assert_snapshot!(transcript.clone().messages_as::<String>(), @r#"
    HTTP 200 OK

    message | "x"
    message | not a alloc::string::String: [why]
            | 08 01
    status 0 OK
    end
    "#);
    let json = transcript.clone().messages_as_json::<String>();
    assert_eq!(
        json.to_string(),
        transcript.messages_as::<String>().to_string()
    );
}

#[tokio::test]
async fn a_message_that_is_not_as_expected() {
    let five = || watch(BINARY, [number(5), ok()]);
    fails!(call in five() => call.expect_message().proto(&6_u32).await, [
        "expected: a message, 6", "got message 2 bytes | 08 05", "the message is 5, not 6",
    ]);
    fails!(call in five() => call.expect_message().proto(&String::new()).await, [
        "the message is not a alloc::string::String", "08 05",
    ]);
    let compressed = || watch(BINARY, [frame(1, "gz"), ok()]);
    fails!(call in compressed() => call.expect_message().proto(&5_u32).await, ["it is compressed"]);
}

#[tokio::test]
async fn a_message_that_does_not_decode_fails_at_the_call() {
    let message = watch(BINARY, [number(5)]).await.expect_message().await;
    let panic = std::panic::catch_unwind(|| message.decode::<String>()).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(
        text.contains("is not a alloc::string::String") && text.contains("08 05"),
        "{text}"
    );
}
