//! A hand-written gRPC-Web service, byte by byte: what is sent to it, and what the expectations see.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]

use std::convert::Infallible;

use http::{Request, Response};
use http_body_util::BodyExt as _;
use sse_testkit::Body;
use sse_testkit::grpc_web::{self, Code, GrpcWebRequest, GrpcWebStream};

mod scripted;

use self::scripted::Step::{self, Break, HttpTrailers, Pause, Send, StayOpen};
use self::scripted::{BINARY, TEXT, frame, number, ok, secs, trailers, watch};

async fn open(steps: impl Into<Vec<Step>>) -> GrpcWebStream {
    watch(BINARY, steps).await
}

/// Answers with the request as text.
async fn echo(request: Request<Body>) -> Result<Response<String>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut lines = vec![format!("{} {}", parts.method, parts.uri)];
    let headers = parts.headers.iter();
    lines.extend(headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())));
    lines[1..].sort();
    lines.push(format!("{body:?}"));
    Ok(Response::new(lines.join("\n")))
}

fn echoed() -> GrpcWebRequest {
    grpc_web::call(tower::service_fn(echo), "/prices.v1.Prices/Watch")
}

#[tokio::test]
async fn a_request_is_what_a_browsers_client_sends() {
    let request = echoed().message_bytes(vec![8, 5]).await.body_text().await;
    insta::assert_snapshot!(request, @r#"
    POST /prices.v1.Prices/Watch
    accept: application/grpc-web+proto
    content-type: application/grpc-web+proto
    host: localhost
    x-grpc-web: 1
    b"\0\0\0\0\x02\x08\x05"
    "#);

    let request = echoed().text().message_bytes(vec![8, 5]);
    insta::assert_snapshot!(request.await.body_text().await, @r#"
    POST /prices.v1.Prices/Watch
    accept: application/grpc-web-text+proto
    content-type: application/grpc-web-text+proto
    host: localhost
    x-grpc-web: 1
    b"AAAAAAIIBQ=="
    "#);
}

#[tokio::test]
async fn a_header_of_the_test_wins_and_no_message_is_an_empty_one() {
    let request = echoed()
        .header("accept", "application/grpc-web-text")
        .header("x-user", "7");
    insta::assert_snapshot!(request.await.body_text().await, @r#"
    POST /prices.v1.Prices/Watch
    accept: application/grpc-web-text
    content-type: application/grpc-web+proto
    host: localhost
    x-grpc-web: 1
    x-user: 7
    b"\0\0\0\0\0"
    "#);
}

#[tokio::test]
async fn messages_are_read_one_by_one_on_paused_time() {
    let mut call = open([number(1), Pause(15), number(2), number(3), Pause(5), ok()]).await;
    call.expect_status(200)
        .expect_header("content-type", "application/grpc-web+proto")
        .expect_no_header("grpc-status");
    let message = call.expect_message().bytes([8, 1]).await;
    assert!(!message.compressed);
    call.expect_idle(secs(15)).await;
    call.expect_message().bytes_with(|it| it == [8, 2]).await;
    assert_eq!(call.elapsed(), secs(15));
    assert_eq!(call.messages().count(), 2);
    assert_eq!(call.collect(1).await[0].bytes, &[8, 3][..]);
    call.expect_end().await;
    assert_eq!(call.elapsed(), secs(20));
    insta::assert_snapshot!(call.transcript(), @r#"
    HTTP 200 OK
    content-type: application/grpc-web+proto

    +0ms     message 2 bytes | 08 01
    +15s     message 2 bytes | 08 02
    +15s     message 2 bytes | 08 03
    +20s     status 0 OK
    +20s     end
    "#);
}

#[tokio::test]
async fn text_is_the_same_but_for_its_bytes() {
    let steps = [number(1), Pause(1), number(2), ok()];
    let mut binary = watch(BINARY, steps.clone()).await;
    let messages = binary.collect_to_end().await;
    let mut text = watch(TEXT, steps).text().await;
    assert_eq!(text.collect_to_end().await, messages);
    let shown = |call: &GrpcWebStream| call.transcript().without_headers().to_string();
    assert_eq!(shown(&binary), shown(&text));
    assert!(text.raw().starts_with(b"AAAAAAIIAQ==AAAAAAI"));
    assert_eq!(text.chunks().len(), 3);
}

#[tokio::test]
async fn how_a_body_is_cut_into_chunks_does_not_matter_unless_one_looks() {
    let bytes = |step: Step| match step {
        Send(bytes) => bytes,
        _ => unreachable!(),
    };
    let whole = [bytes(number(1)), bytes(ok())].concat();
    let cut: Vec<_> = whole.iter().map(|byte| Send(vec![*byte])).collect();
    let mut whole = open([Send(whole)]).await;
    let mut cut = open(cut).await;
    assert_eq!(whole.collect_to_end().await, cut.collect_to_end().await);
    assert_eq!(whole.transcript().to_string(), cut.transcript().to_string());
    assert_eq!(whole.raw(), cut.raw());
    insta::assert_snapshot!(whole.transcript().with_chunks().without_times().without_headers(), @r#"
    HTTP 200 OK

    chunk of 28 bytes
    message 2 bytes | 08 01
    status 0 OK
    end
    "#);
}

#[tokio::test]
async fn a_call_that_fails_tells_its_status_its_message_and_its_trailers() {
    let block = "grpc-status: 14\r\ngrpc-message: 100%25 full, %C3%BCber\r\nx-b: 2\r\nx-a: 1\r\nx-a: 3\r\nx-c: 4\r\n";
    let mut call = open([number(1), trailers(block)]).await;
    call.expect_message().await;
    let status = call
        .expect_grpc_status(Code::UNAVAILABLE)
        .message("100% full, \u{fc}ber")
        .trailer("x-a", "3")
        .await;
    assert!(!status.in_headers);
    assert_eq!(status.trailers.len(), 4);
    let transcript = call.transcript().redact_header("x-b", "[b]");
    insta::assert_snapshot!(transcript, @r"
    HTTP 200 OK
    content-type: application/grpc-web+proto

    +0ms     message 2 bytes | 08 01
    +0ms     status 14 UNAVAILABLE | 100% full, über
               with trailer x-a: 1
               with trailer x-a: 3
               with trailer x-b: [b]
               with trailer x-c: 4
    +0ms     end
    ");
}

#[tokio::test]
async fn a_status_in_the_headers_ends_a_call_as_well() {
    let headers = &[
        ("content-type", "application/grpc-web+proto"),
        ("grpc-status", "5"),
        ("grpc-message", "no%20such price"),
        ("x-a", "1"),
    ];
    let mut call = watch(headers, []).await;
    let status = call
        .expect_grpc_status(5)
        .message("no such price")
        .trailer("x-a", "1")
        .await;
    assert!(status.in_headers);
    insta::assert_snapshot!(call.transcript(), @r"
    HTTP 200 OK
    content-type: application/grpc-web+proto
    grpc-message: no%20such price
    grpc-status: 5
    x-a: 1

    +0ms     status 5 NOT_FOUND in the headers | no such price
    +0ms     end
    ");

    let headers = &[
        ("content-type", "application/grpc-web"),
        ("grpc-status", "0"),
    ];
    let mut call = watch(headers, [trailers("grpc-status: 7")]).await;
    let status = call.expect_grpc_status(Code::PERMISSION_DENIED).await;
    assert!(!status.in_headers, "a trailer frame is the last word");
}

#[tokio::test]
async fn what_breaks_a_call_is_an_error_that_can_be_expected() {
    let number_of_five = Send(vec![0, 0, 0, 0, 5, 8]);
    let grpc_status = [("grpc-status".parse().unwrap(), "0".parse().unwrap())];
    let cases: [(Vec<Step>, &str); 10] = [
        (vec![], "the body ended without a trailer frame"),
        (vec![number_of_five], "inside a frame that lacks 4 bytes"),
        (vec![Pause(1), Break("the wire is cut")], "the wire is cut"),
        (vec![frame(9, "")], "unknown flags 0x09"),
        (vec![frame(0x81, "gz")], "the trailer frame is compressed"),
        (vec![ok(), Pause(1), number(1)], "follow the trailer frame"),
        (vec![trailers("x")], "the trailer line \"x\""),
        (vec![trailers("x: 1")], "has no grpc-status"),
        (vec![trailers("grpc-status: ok")], "\"ok\" is not a number"),
        (
            vec![HttpTrailers(grpc_status.into_iter().collect())],
            "but with HTTP trailers, which a browser does not show",
        ),
    ];
    for (steps, expected) in cases {
        let error = open(steps).await.expect_error().await;
        assert!(error.contains(expected), "{error}");
    }

    let headers = &[
        ("content-type", "application/grpc-web"),
        ("grpc-status", "x"),
    ];
    let error = watch(headers, []).await.expect_error().await;
    assert!(error.contains("the grpc-status \"x\""), "{error}");
}

#[tokio::test]
async fn text_that_is_not_base64_is_an_error_as_soon_as_it_comes() {
    let service = tower::service_fn(|_: Request<Body>| async {
        let mut answer = scripted::answer(BINARY, vec![Send(b"AA=A".to_vec()), StayOpen]);
        let text = "application/grpc-web-text".parse().unwrap();
        answer.headers_mut().insert("content-type", text);
        Ok::<_, Infallible>(answer)
    });
    let mut call = grpc_web::call(service, "/").text().await;
    assert_eq!(call.expect_error().await, "\"AA=A\" is not base64");
    assert_eq!(call.expect_error().await, "\"AA=A\" is not base64");
    assert_eq!(call.elapsed(), secs(0), "nothing more is waited for");
}

#[tokio::test]
async fn a_compressed_message_is_said_to_be_one() {
    let mut call = open([frame(1, "gz"), ok()]).await;
    assert!(call.expect_message().await.compressed);
    let transcript = call.transcript().without_headers();
    insta::assert_snapshot!(transcript.with_messages(|_| "never asked".to_owned()), @r"
    HTTP 200 OK

    +0ms     message compressed 2 bytes | 67 7a
    ");
}

#[tokio::test]
async fn messages_are_shown_as_the_test_wants_them() {
    let long: Vec<u8> = (0..=255).chain(0..=3).collect();
    let mut call = open([number(7), frame(0, ""), frame(0, long), ok()]).await;
    call.collect_to_end().await;
    insta::assert_snapshot!(call.transcript().without_headers().without_times());

    let as_json = |bytes: &[u8]| format!("{{\"n\":{:?},\n\"size\":{}}}", bytes.get(1), bytes.len());
    let transcript = call.transcript().without_headers().without_times();
    let transcript = transcript
        .with_messages(as_json)
        .redact_json("size", "[size]");
    insta::assert_snapshot!(transcript, @r#"
    HTTP 200 OK

    message | {"n":Some(7),
            | "size":2}
    message | {"n":None,
            | "size":0}
    message | {"n":Some(1),
            | "size":260}
    status 0 OK
    end
    "#);
}

#[tokio::test]
async fn messages_of_a_span_of_time_leave_the_others_to_the_next_expectation() {
    let steps = [number(1), Pause(1), number(2), Pause(1), number(3), ok()];
    let mut call = open(steps).await;
    assert_eq!(call.collect_for(secs(2)).await.len(), 2);
    call.expect_message().bytes([8, 3]).await;
    assert_eq!(call.collect_for(secs(2)).await, []);
}

#[tokio::test]
async fn a_closed_call_drops_the_body_and_is_heard_of_no_more() {
    let mut call = open([number(1), number(2), StayOpen]).await;
    call.expect_message().await;
    call.close();
    insta::assert_snapshot!(call.transcript().without_headers(), @r"
    HTTP 200 OK

    +0ms     message 2 bytes | 08 01
    +0ms     closed by the test
    ");
}
