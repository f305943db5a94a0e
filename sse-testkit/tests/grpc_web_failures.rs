//! Every expectation of a gRPC-Web call fails when it should: at the test's own line, with what
//! came and the transcript.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]

use sse_testkit::grpc_web::{Code, GrpcWebStream};

#[macro_use]
mod fails;
mod scripted;

use self::scripted::Step::{self, Break, Pause, Send, StayOpen};
use self::scripted::{BINARY, frame, number, ok, secs, trailers, watch};

async fn open(steps: impl Into<Vec<Step>>) -> GrpcWebStream {
    watch(BINARY, steps).await
}

fn refused() -> Step {
    trailers("grpc-status: 14\r\ngrpc-message: not%20now\r\nx-a: 1\r\n")
}

#[tokio::test]
async fn a_message_that_is_not_as_expected() {
    let received = "HTTP 200 OK\n    content-type: application/grpc-web+proto\n\n    +0ms     message 2 bytes | 08 05";
    fails!(call in open([number(5)]) => call.expect_message().bytes([8, 6]).await, ["a message, 2 bytes: 08 06", "got message 2 bytes | 08 05", "its bytes are others", received]);
    fails!(call in open([number(5)]) => call.expect_message().bytes_with(<[u8]>::is_empty).await, ["not as the test wants them"]);
    fails!(call in open([frame(1, "gz")]) => call.expect_message().bytes("gz").await, ["it is compressed", "message compressed 2 bytes | 67 7a"]);
}

#[tokio::test]
async fn a_message_that_does_not_come() {
    fails!(call in open([StayOpen]) => call.expect_message().await, ["within 60s of paused time", ".real_time()"]);
    fails!(call in open([Pause(2), number(1)]) => call.expect_message().within(secs(1)).await, ["within 1s"]);
    fails!(call in open([refused()]) => call.expect_message().await, ["got status 14 UNAVAILABLE | not now", "with trailer x-a: 1"]);
    fails!(call in open([]) => call.expect_message().await, ["the stream failed: the body ended without a trailer frame"]);
    fails!(call in open([Send(vec![0, 0, 0])]) => call.expect_message().await, ["inside a frame that lacks 2 bytes"]);
    fails!(call in open([Break("the wire is cut")]) => call.expect_message().await, ["the wire is cut"]);
    fails!(call in open([number(1), StayOpen]) => { call.close(); call.expect_message().await }, ["the test has closed the stream"]);
    fails!(call in open([number(1), ok()]) => call.collect(2).await, ["message 2 of 2", "got status 0 OK"]);
    fails!(call in open([number(1), refused()]) => call.collect_to_end().await, ["and then the end with status 0 OK", "got status 14"]);
    fails!(call in open([number(1), ok(), ok()]) => call.collect_to_end().await, ["bytes follow the trailer frame"]);
    fails!(call in open([number(1), refused()]) => call.collect_for(secs(1)).await, ["messages for 1s", "got status 14"]);
}

#[tokio::test]
async fn an_end_that_is_not_as_expected() {
    fails!(call in open([number(1), ok()]) => call.expect_end().await, ["the end with status 0 OK", "got message 2 bytes | 08 01"]);
    fails!(call in open([refused()]) => call.expect_end().await, ["the status is 14 UNAVAILABLE, not 0 OK"]);
    fails!(call in open([ok()]) => call.expect_grpc_status(99).await, ["the end with status 99", "got status 0 OK"]);
    fails!(call in open([refused()]) => call.expect_grpc_status(Code::UNAVAILABLE).message("no").await, ["message \"no\"", "the message is \"not now\", not \"no\""]);
    fails!(call in open([refused()]) => call.expect_grpc_status(14).trailer("x-a", "2").await, ["trailer x-a: 2", "the trailer x-a is [\"1\"], not \"2\""]);
    fails!(call in open([refused()]) => call.expect_grpc_status(14).trailer("x-b", "2").await, ["it has no trailer x-b"]);
    fails!(call in open([Pause(2), ok()]) => call.expect_grpc_status(0).within(secs(1)).await, ["within 1s"]);
    fails!(call in open([ok(), StayOpen]) => call.expect_end().await, ["the end with status 0 OK", "within 60s", "status 0 OK"]);
    fails!(call in open([ok(), number(1)]) => call.expect_end().await, ["bytes follow the trailer frame"]);
    fails!(call in open([number(1), ok()]) => call.expect_error().await, ["an error", "got message"]);
    fails!(call in open([ok()]) => call.expect_error().await, ["an error", "the stream ended"]);
}

#[tokio::test]
async fn silence_that_is_broken() {
    fails!(call in open([Pause(1), number(1), StayOpen]) => call.expect_idle(secs(2)).await, ["silence for 2s", "got message"]);
    fails!(call in open([Pause(1), Send(vec![0, 0, 0]), StayOpen]) => call.expect_idle(secs(2)).await, ["got a part of a frame: 3 bytes"]);
    fails!(call in open([Pause(1), ok()]) => call.expect_idle(secs(2)).await, ["got status 0 OK"]);
}

#[tokio::test]
async fn a_response_that_is_no_grpc_web() {
    let grpc = &[("content-type", "application/grpc"), ("grpc-status", "12")];
    fails!(call in watch(grpc, []) => call.expect_grpc_status(12).await, ["the stream ended", "without a grpc-status", "content-type: application/grpc"]);
    let html = &[("content-type", "text/html")];
    let page = || [Send(b"<p>".to_vec())];
    fails!(call in watch(html, page()) => call.expect_message().await, ["the response is not gRPC-Web", "body | <p>"]);
    fails!(call in watch(html, page()) => call.expect_end().await, ["the response is not gRPC-Web"]);
    fails!(call in watch(html, page()) => call.expect_status(400), ["status 400", "got status 200 OK"]);
    fails!(call in watch(html, page()) => call.expect_header("x-a", "1"), ["there is no such header"]);
    fails!(call in watch(html, page()) => call.expect_no_header("content-type"), ["got \"text/html\""]);
}

#[tokio::test]
async fn a_request_that_can_not_be_sent() {
    fails!(call in watch(BINARY, []).header("b ad", "x") => call.expect_message().await, ["the header's name"]);
    fails!(call in watch(BINARY, []).header("b ad", "x") => call.status(), ["there is no response"]);
}

/// A status may be in the headers of what is no gRPC-Web, but a browser's client would not look.
#[tokio::test]
async fn a_body_after_a_status_in_the_headers_needs_a_trailer_frame() {
    let headers = &[
        ("content-type", "application/grpc-web"),
        ("grpc-status", "0"),
    ];
    fails!(call in watch(headers, [number(1)]) => { call.expect_message().await; call.expect_end().await }, ["without a trailer frame"]);
}
