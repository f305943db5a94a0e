//! Every expectation fails when it should: at the test's own line, with what came and the
//! transcript.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use serde::Serialize;
use sse_testkit::pattern::{any_number_of_events, end};
use sse_testkit::{EventStream, get};

#[macro_use]
mod fails;

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A stream that sends each text after so many seconds, breaks off at `!`, and stays open at the
/// end if the last one is `...`.
async fn open(script: &'static [(u64, &'static str)]) -> EventStream {
    let service = tower::service_fn(move |_: Request<_>| async move {
        let body = stream::unfold(script.iter(), |mut script| async move {
            let (pause, text) = script.next()?;
            tokio::time::sleep(secs(*pause)).await;
            let frame = match *text {
                "!" => Err(std::io::Error::other("the wire is cut")),
                "..." => std::future::pending().await,
                text => Ok(Frame::data(Bytes::from(text))),
            };
            Some((frame, script))
        });
        let response = Response::builder()
            .header("content-type", "text/event-stream")
            .body(StreamBody::new(body));
        Ok::<_, Infallible>(response.unwrap())
    });
    get(service, "/").await
}

const TICK: &[(u64, &str)] = &[
    (0, ":\n\n"),
    (1, "event: tick\nid: 5\ndata: {\"n\":0}\n\n"),
    (0, "..."),
];
const SILENT: &[(u64, &str)] = &[(0, ":\n\n"), (0, "...")];
const BEATS: &[(u64, &str)] = &[
    (15, ": beat\n\n"),
    (15, "retry: 9\n"),
    (5, "id: 7\n\n"),
    (0, "..."),
];

#[derive(Serialize)]
enum Update {
    #[serde(rename = "tick")]
    Tick {
        n: u32,
    },
    Pause,
}

#[tokio::test]
async fn an_event_that_is_not_as_expected() {
    let received = "HTTP 200 OK\n    content-type: text/event-stream\n\n    +0ms     opening \":\\n\\n\"\n    +1s      event tick #5 | {\"n\":0}";
    fails!(sse in open(TICK) => sse.expect_event("tock").await, ["event \"tock\"", "the name is \"tick\", not \"tock\"", received]);
    fails!(sse in open(TICK) => sse.expect_message().await, ["the name is \"tick\", not \"message\""]);
    fails!(sse in open(TICK) => sse.expect_event("tick").text("hi").await, ["data \"hi\"", "not \"hi\""]);
    fails!(sse in open(TICK) => sse.expect_event("tick").json(&Tick { n: 1, unit: "s" }).await, ["path   expected  got", ".n     1         0", ".unit  \"s\"       nothing"]);
    fails!(sse in open(TICK) => sse.expect_event("tick").json(&[1]).await, ["path  expected  got", ".     [1]       {\"n\":0}"]);
    fails!(sse in open(TICK) => sse.expect_event("tick").id("6").await, ["the id is \"5\", not \"6\""]);
    fails!(sse in open(TICK) => sse.expect_event("tick").no_id().await, ["it has the id \"5\""]);
    fails!(sse in open(TICK) => sse.expect_event("tick").retry(secs(1)).await, ["it has no retry"]);
    fails!(sse in open(TICK) => sse.expect_event("tick").data_with(str::is_empty).await, ["not as the test wants it"]);
    fails!(sse in open(TICK) => sse.expect_any_event().tagged(&Update::Tick { n: 1 }).await, [".n    1         0"]);
    fails!(sse in open(TICK) => sse.expect_tagged(&Update::Pause).await, ["event \"Pause\"", "the name is \"tick\""]);
    fails!(sse in open(TICK) => sse.expect_event("tick").tagged(&[1, 2]).await, ["not of an externally tagged enum"]);
    fails!(sse in open(&[(0, "data: x\n\n")]) => sse.expect_message().json(&1).await, ["the data is not JSON"]);
    fails!(sse in open(&[(0, "data: x\n\n")]) => sse.expect_message().id("1").await, ["it has no id of its own"]);
}

#[derive(Serialize)]
struct Tick {
    n: u32,
    unit: &'static str,
}

#[tokio::test]
async fn text_that_is_long_is_compared_line_by_line() {
    const POEM: &[(u64, &str)] = &[(
        0,
        "data: a first line that is not short at all\ndata: a second\ndata: one more\n\n",
    )];
    let wanted = "a first line that is not short at all\na 2nd";
    insta::assert_snapshot!(failure!(sse in open(POEM) => sse.expect_message().text(wanted).await), @r#"
    the stream is not as expected
    expected: an event without a name, data "a first line that is not short at all\na 2nd"
    but:      got event message | a first line that is not short at all
                            | a second
                            | one more
              the data differs:
              line  expected  got
              2     "a 2nd"   "a second"
              3     nothing   "one more"
    received so far:
        HTTP 200 OK
        content-type: text/event-stream

        +0ms     event message | a first line that is not short at all
                               | a second
                               | one more
    "#);
    fails!(sse in open(&[(0, "data: x\n\n")]) => sse.expect_message().text("y\n").await, [
        "line  expected  got", "1     \"y\"       \"x\"", "2     \"\"        nothing",
    ]);
}

/// An event of a hundred kilobytes, and one of a thousand lines.
async fn large() -> EventStream {
    let text = format!(
        "data: {}\n\n{}\n",
        "x".repeat(100_000),
        "data: y\n".repeat(1000)
    );
    let service = tower::service_fn(move |_: Request<sse_testkit::Body>| {
        let response = Response::builder().header("content-type", "text/event-stream");
        let response = response.body(text.clone()).unwrap();
        async move { Ok::<_, Infallible>(response) }
    });
    get(service, "/").await
}

#[tokio::test]
async fn a_failure_is_no_longer_than_a_person_reads() {
    let message = failure!(sse in large() => sse.expect_message().text("x".repeat(2000)).await);
    assert!(message.len() < 10_000, "{}", message.len());
    assert!(message.contains("(99020 more characters)"), "{message}");
    let message = failure!(sse in large() => { sse.collect(1).await; sse.expect_end().await });
    assert!(message.len() < 10_000, "{}", message.len());
    assert!(message.contains("884 more lines"), "{message}");
}

#[tokio::test]
async fn an_event_that_does_not_come() {
    fails!(sse in open(SILENT) => sse.expect_event("tick").await, ["within 60s of paused time", ".real_time()"]);
    fails!(sse in open(TICK) => sse.expect_event("tick").within(Duration::from_millis(999)).await, ["within 999ms"]);
    fails!(sse in open(&[(1, "data: x\n\n"), (2, "")]) => { sse.expect_message().await; sse.expect_message().await }, ["the stream ended"]);
    fails!(sse in open(&[(0, "!")]) => sse.expect_any_event().await, ["the stream failed: the wire is cut"]);
    fails!(sse in open(TICK) => { sse.close(); sse.expect_any_event().await }, ["the test has closed the stream", "closed by the test"]);
    fails!(sse in open(TICK) => sse.collect(2).await, ["event 2 of 2"]);
    fails!(sse in open(TICK) => sse.collect_to_end().await, ["the end of the stream"]);
    fails!(sse in open(&[(1, "!")]) => sse.collect_for(secs(2)).await, ["the wire is cut"]);
}

#[tokio::test]
async fn what_is_not_an_event_and_not_as_expected() {
    fails!(sse in open(TICK) => sse.expect_heartbeat().await, ["a heartbeat", "got event tick #5"]);
    fails!(sse in open(SILENT) => sse.expect_heartbeat().await, ["within 60s"]);
    fails!(sse in open(BEATS) => sse.expect_opening().await, ["got comment : beat"]);
    fails!(sse in open(BEATS) => sse.expect_comment("bea").await, ["got comment : beat"]);
    fails!(sse in open(BEATS) => sse.expect_retry(Duration::from_millis(8)).await, ["retry: 8", "got retry 9ms"]);
    fails!(sse in open(BEATS) => sse.expect_id("8").await, ["\"8\"", "got id #7"]);
    fails!(sse in open(TICK) => sse.expect_retry(secs(1)).await, ["got event tick"]);
    fails!(sse in open(TICK) => sse.expect_id("5").await, ["got event tick"]);
    fails!(sse in open(TICK) => sse.expect_comment("x").await, ["got event tick"]);
}

#[tokio::test]
async fn silence_that_is_broken() {
    fails!(sse in open(TICK) => sse.expect_idle(secs(2)).await, ["silence for 2s", "got event tick"]);
    fails!(sse in open(BEATS) => sse.expect_idle(secs(16)).await, ["got comment : beat"]);
    fails!(sse in open(&[(1, "dat"), (0, "...")]) => sse.expect_idle(secs(2)).await, ["a part of a block: \"dat\""]);
    fails!(sse in open(&[(1, "data: x\n\n")]) => { sse.expect_message().await; sse.expect_idle(secs(2)).await }, ["the stream ended"]);
    fails!(sse in open(&[(0, "data: x\n\ndata: y\n\n"), (0, "...")]) => { sse.expect_message().await; sse.expect_idle(secs(2)).await }, ["got event message | y"]);
    fails!(sse in open(TICK) => sse.expect_no_event(secs(2)).await, ["no event for 2s", "got event tick"]);
    fails!(sse in open(&[(1, "")]) => sse.expect_no_event(secs(2)).await, ["the stream ended"]);
}

#[tokio::test]
async fn an_end_that_is_not_as_expected() {
    fails!(sse in open(TICK) => sse.expect_end().await, ["the end of the stream", "got event tick"]);
    fails!(sse in open(SILENT) => sse.expect_end().await, ["within 60s"]);
    fails!(sse in open(&[(0, "!")]) => sse.expect_end().await, ["the wire is cut"]);
    fails!(sse in open(&[(0, "id: 1\ndata: lost\n")]) => sse.expect_end().await, ["the stream ended inside a block", "id: 1\\ndata: lost"]);
    fails!(sse in open(&[(0, ": cut")]) => sse.expect_end().await, ["inside a block"]);
    fails!(sse in open(&[(0, "id: 1\n\n")]) => sse.expect_end().await, ["got id #1"]);
    fails!(sse in open(&[(0, "")]) => sse.expect_error().await, ["an error", "the stream ended"]);
    fails!(sse in open(TICK) => sse.expect_error().await, ["got event tick"]);
}

#[tokio::test]
async fn a_head_that_is_not_as_expected() {
    fails!(sse in open(TICK) => sse.expect_status(404), ["status 404", "got status 200 OK"]);
    fails!(sse in open(TICK) => sse.expect_header("content-type", "text/html"), ["got [\"text/event-stream\"]"]);
    fails!(sse in open(TICK) => sse.expect_header("x-none", "1"), ["there is no such header"]);
    fails!(sse in open(TICK) => sse.expect_no_header("content-type"), ["got \"text/event-stream\""]);
    fails!(sse in open(SILENT) => sse.body_text().await, ["a whole body", "within 60s"]);
    fails!(sse in open(&[(0, "[1")]) => sse.body_json::<Vec<u32>>().await, ["a JSON body", "[1"]);
}

async fn refused(_: Request<sse_testkit::Body>) -> Result<Response<String>, Infallible> {
    let response = Response::builder()
        .status(429)
        .header("content-type", "application/json");
    Ok(response.body(r#"{"error":"full"}"#.to_owned()).unwrap())
}

#[tokio::test]
async fn a_response_that_is_no_event_stream() {
    let plain = || async { get(tower::service_fn(refused), "/").await };
    fails!(sse in plain() => sse.expect_any_event().await, [
        "the response is not an event stream", "HTTP 429 Too Many Requests", "body | {\"error\":\"full\"}",
    ]);
}

#[tokio::test]
async fn a_request_that_can_not_be_sent_or_is_not_answered() {
    let service = || tower::service_fn(refused);
    fails!(sse in get(service(), "no uri") => sse.expect_any_event().await, ["the URI \"no uri\" is not valid"]);
    fails!(sse in get(service(), "/").header("b ad", "x") => sse.expect_status(200), ["there is no response", "the header's name"]);
    fails!(sse in get(service(), "/").last_event_id("\n") => sse.expect_end().await, ["can't be sent in a header"]);

    async fn broken(_: Request<sse_testkit::Body>) -> Result<Response<String>, std::io::Error> {
        Err(std::io::Error::other("no service today"))
    }
    fails!(sse in get(tower::service_fn(broken), "/") => sse.expect_any_event().await, ["the stream failed: no service today"]);

    async fn mute(_: Request<sse_testkit::Body>) -> Result<Response<String>, Infallible> {
        std::future::pending().await
    }
    fails!(sse in get(tower::service_fn(mute), "/") => sse.expect_any_event().await, ["no response head within 60s"]);
}

/// A stream that sends this text again and again.
async fn endless(pause: Duration, text: &'static str) -> EventStream {
    let service = tower::service_fn(move |_: Request<_>| async move {
        let body = stream::unfold((), move |()| async move {
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            Some((Ok::<_, Infallible>(Frame::data(Bytes::from(text))), ()))
        });
        let response = Response::builder()
            .header("content-type", "text/event-stream")
            .body(StreamBody::new(body));
        Ok::<_, Infallible>(response.unwrap())
    });
    get(service, "/").await
}

#[tokio::test]
async fn a_stream_that_never_pauses_does_not_hang_the_test() {
    fails!(sse in endless(secs(0), ":\n") => sse.expect_any_event().await, ["without end and without pause", "earlier lines are left out"]);
    fails!(sse in endless(secs(0), "data\n\n") => sse.collect_to_end().await, ["without end and without pause"]);
}

#[tokio::test]
async fn a_stream_that_never_ends_is_not_collected_for_ever() {
    fails!(sse in endless(secs(1), "data\n\n") => sse.collect_to_end().await, ["still sends after a hundred times 60s"]);
    let patterns = || [any_number_of_events(), end()];
    fails!(sse in endless(secs(1), "data\n\n") => sse.expect_sequence(patterns()).await, ["still sends after a hundred times 60s"]);
}

#[tokio::test]
async fn data_that_does_not_decode_fails_at_the_call() {
    let mut sse = open(TICK).await;
    let event = sse.expect_any_event().await;
    let panic = std::panic::catch_unwind(|| event.json::<Vec<u32>>()).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(
        message.contains("event \"tick\" is not a") && message.contains("{\"n\":0}"),
        "{message}"
    );
}
