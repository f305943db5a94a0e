//! A hand-written service, byte by byte: what the expectations see and skip.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use serde::{Deserialize, Serialize};
use sse_testkit::{Body, EventStream, get};

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn respond(
    script: &'static [(u64, &'static str)],
) -> Response<StreamBody<impl Stream<Item = Result<Frame<Bytes>, Infallible>>>> {
    let body = stream::iter(script).then(|(pause, text)| async move {
        // Several chunks at one moment also come without a timer in between.
        if *pause > 0 {
            tokio::time::sleep(secs(*pause)).await;
        }
        Ok(Frame::data(Bytes::from(*text)))
    });
    let response = Response::builder().header("content-type", "text/event-stream; charset=utf-8");
    response.body(StreamBody::new(body)).unwrap()
}

async fn open(script: &'static [(u64, &'static str)]) -> EventStream {
    let service =
        tower::service_fn(move |_: Request<_>| async move { Ok::<_, Infallible>(respond(script)) });
    get(service, "/").await
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Update {
    PriceChanged { price: u32 },
    Note(String),
    Paused,
}

#[tokio::test]
async fn an_externally_tagged_enum_is_read_back() {
    let script = &[(
        0,
        "event: price-changed\ndata: { \"price\": 7 }\n\n\
         event: note\ndata: \"hi\"\n\nevent: paused\ndata: null\n\n",
    )];
    let mut sse = open(script).await;
    sse.expect_tagged(&Update::PriceChanged { price: 7 }).await;
    sse.expect_event("note")
        .tagged(&Update::Note("hi".to_owned()))
        .await;
    let event = sse.expect_event("paused").tagged(&Update::Paused).await;
    assert_eq!(event.tagged::<Update>(), Update::Paused);

    let mut sse = open(script).await;
    let updates: Vec<Update> = sse
        .collect_to_end()
        .await
        .iter()
        .map(|it| it.tagged())
        .collect();
    let expected = [
        Update::PriceChanged { price: 7 },
        Update::Note("hi".to_owned()),
        Update::Paused,
    ];
    assert_eq!(updates, expected);
}

#[tokio::test]
async fn what_clients_do_not_dispatch_is_skipped_before_an_event() {
    let mut sse = open(&[
        (0, "retry: 1000\n"),
        (1, ":\n"),
        (1, ": a\n: b\n\n\n"),
        (1, "retry: 2000\n\nevent: nothing\n\nid: 3\n\n"),
        (1, "data: x\n\n"),
    ])
    .await;
    let event = sse.expect_message().text("x").no_id().await;
    assert_eq!(event.last_event_id, "3");
    assert_eq!(sse.last_event_id(), "3");
    assert_eq!(sse.retry(), secs(2));
    sse.expect_end().await;
    insta::assert_snapshot!(sse.transcript(), @r#"
    HTTP 200 OK
    content-type: text/event-stream; charset=utf-8

    +0ms     opening "retry: 1000\n"
    +1s      comment : (no blank line)
    +2s      comment : a
                     : b
    +2s      blank line
    +3s      retry 2s
    +3s      block without data
               with field event: nothing
    +3s      id #3
    +4s      event message | x
    +4s      end
    "#);
}

#[tokio::test]
async fn the_opening_is_no_heartbeat() {
    let mut sse = open(&[(0, ":\n\n"), (15, ":\n\n"), (15, ":\nid: 4\n\n")]).await;
    sse.expect_heartbeat().await;
    assert_eq!(sse.elapsed(), secs(15));
    sse.expect_heartbeat().await;
    assert_eq!(
        sse.elapsed(),
        secs(30),
        "a comment with a cursor is a heartbeat"
    );

    let mut sse = open(&[(0, "retry: 3000\n"), (0, "id: 1\n\ndata: x\n\n")]).await;
    assert_eq!(sse.expect_opening().await, "retry: 3000\n");
    sse.expect_id("1").await;
    sse.expect_message().await;

    let mut sse = open(&[(0, "retry: 3000\n: hello\n\n")]).await;
    sse.expect_retry(secs(3)).await;
    let mut sse = open(&[(0, "retry: 3000\n: hello\n\n")]).await;
    sse.expect_comment("hello").await;

    let mut sse = open(&[(1, ": late\n\n")]).await;
    assert_eq!(sse.expect_heartbeat().await, "late");
}

#[tokio::test]
async fn an_opening_in_the_block_of_the_first_event_is_told_apart() {
    let mut sse = open(&[(0, "retry: 3000\ndata: a\n\nretry: 5\ndata: b\n\n")]).await;
    assert_eq!(sse.expect_opening().await, "retry: 3000\n");
    sse.expect_message().text("a").await;
    sse.expect_message()
        .text("b")
        .retry(Duration::from_millis(5))
        .await;
    insta::assert_snapshot!(sse.transcript().without_headers(), @r#"
    HTTP 200 OK

    +0ms     opening "retry: 3000\n"
    +0ms     event message | a
    +0ms     event message retry=5ms | b
    "#);
}

#[tokio::test]
async fn how_a_stream_is_cut_into_chunks_does_not_matter_unless_one_looks() {
    let mut whole = open(&[(0, ": c\nid: 1\nevent: e\ndata: x\n\n: beat\n\n")]).await;
    let mut cut = open(&[
        (0, ": c"),
        (0, "\nid: 1\nev"),
        (0, "ent: e\nda"),
        (0, "ta: x\n"),
        (0, "\n: be"),
        (0, "at\n"),
        (0, "\n"),
    ])
    .await;
    whole.collect_to_end().await;
    cut.collect_to_end().await;
    assert_eq!(whole.transcript().to_string(), cut.transcript().to_string());
    assert_eq!(whole.raw(), cut.raw());
    assert_eq!(cut.chunks().len(), 7);
    insta::assert_snapshot!(whole.transcript().with_chunks().without_times().without_headers(), @r#"
    HTTP 200 OK

    chunk of 36 bytes
    opening ": c\n"
    event e #1 | x
    comment : beat
    end
    "#);
}

#[tokio::test]
async fn redactions_make_a_transcript_repeatable() {
    let mut sse = open(&[(
        0,
        "id: 17-a\ndata: {\"time\":123,\"b\":{\"time\":\"x\"}}\n\nid: 18-a\ndata: at 12:30\n\nid: 17-a\n\n",
    )])
    .await;
    sse.collect_to_end().await;
    let transcript = sse
        .transcript()
        .redact_ids()
        .redact_json("time", "[time]")
        .redact_header("Content-Type", "[type]")
        .redact(r"(\d+):\d+", "$1:[minute]");
    insta::assert_snapshot!(transcript, @r#"
    HTTP 200 OK
    content-type: [type]

    +0ms     event message #[id-1] | {"time":"[time]","b":{"time":"[time]"}}
    +0ms     event message #[id-2] | at 12:[minute]
    +0ms     id #[id-1]
    +0ms     end
    "#);
}

#[tokio::test]
async fn what_is_odd_can_not_be_misread_in_a_transcript() {
    let mut sse = open(&[(
        0,
        "id: a b\nevent: x #1 | y\ndata: \u{1b}[0m\nfoo: bar\n: c\n\ndata\n\nid\n\n",
    )])
    .await;
    sse.collect_to_end().await;
    insta::assert_snapshot!(sse.transcript().without_headers(), @r#"
    HTTP 200 OK

    +0ms     event "x #1 | y" #"a b" | \u{1b}[0m
               with comment : c
               with field foo: bar
    +0ms     event message |
    +0ms     id #""
    +0ms     end
    "#);
}

#[tokio::test]
async fn the_transcript_ends_where_the_test_has_read_to() {
    let mut sse = open(&[(0, "data: a\n\ndata: b\n\n"), (1, "data: c\n\n")]).await;
    insta::assert_snapshot!(sse.transcript().without_headers(), @"HTTP 200 OK");
    sse.expect_message().text("a").await;
    assert_eq!(sse.frames().count(), 1);
    assert_eq!(sse.collect_for(secs(1)).await.len(), 1);
    assert_eq!(sse.collect(1).await[0].data, "c");
}

#[tokio::test]
async fn silence_ends_before_what_comes_exactly_then() {
    let mut sse = open(&[(0, ":\n\n"), (15, ":\n\n"), (5, "data: x\n\n")]).await;
    sse.expect_idle(secs(15)).await;
    sse.expect_no_event(secs(5)).await;
    assert_eq!(sse.elapsed(), secs(20));
    sse.expect_message().await;
    assert_eq!(sse.elapsed(), secs(20));
}

#[tokio::test]
async fn a_failed_body_and_a_failed_service_are_errors() {
    async fn cut(
        _: Request<Body>,
    ) -> Result<
        Response<StreamBody<impl Stream<Item = Result<Frame<Bytes>, std::io::Error>>>>,
        Infallible,
    > {
        let frames = [
            Ok(Frame::data(Bytes::from("data: a\n\nda"))),
            Err(std::io::Error::other("cut")),
        ];
        let response = Response::builder().header("content-type", "text/event-stream");
        Ok(response
            .body(StreamBody::new(stream::iter(frames)))
            .unwrap())
    }
    let mut sse = get(tower::service_fn(cut), "/").await;
    sse.expect_message().await;
    assert_eq!(sse.expect_error().await, "cut");
    assert_eq!(sse.expect_error().await, "cut", "it stays so");

    async fn broken(_: Request<Body>) -> Result<Response<String>, std::io::Error> {
        Err(std::io::Error::other("no service"))
    }
    let mut sse = get(tower::service_fn(broken), "/").await;
    assert_eq!(sse.expect_error().await, "no service");
}

#[tokio::test]
async fn the_request_is_what_the_test_says() {
    async fn echo(request: Request<Body>) -> Result<Response<String>, Infallible> {
        use http_body_util::BodyExt as _;
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let mut text = format!("{} {}\n", parts.method, parts.uri);
        let mut headers: Vec<_> = parts
            .headers
            .iter()
            .map(|(n, v)| format!("{n}: {v:?}\n"))
            .collect();
        headers.sort();
        text.extend(headers);
        text.push_str(&String::from_utf8_lossy(&body));
        Ok(Response::new(text))
    }
    let mut response = get(tower::service_fn(echo), "/a?b=c")
        .method(http::Method::POST)
        .header("x-user", "me")
        .last_event_id("é5")
        .body("hello")
        .await;
    insta::assert_snapshot!(response.body_text().await, @r#"
    POST /a?b=c
    accept: "text/event-stream"
    host: "localhost"
    last-event-id: "\xc3\xa95"
    x-user: "me"
    hello
    "#);

    let request = Request::put("http://example.org/x")
        .body(vec![b'1'])
        .unwrap();
    let mut response = sse_testkit::request(tower::service_fn(echo), request).await;
    insta::assert_snapshot!(response.body_text().await, @r#"
    PUT http://example.org/x
    host: "example.org"
    1
    "#);
}

#[tokio::test]
async fn json_bodies_decode() {
    async fn numbers(_: Request<Body>) -> Result<Response<String>, Infallible> {
        Ok(Response::new("[1, 2]".to_owned()))
    }
    let mut response = get(tower::service_fn(numbers), "/").await;
    assert_eq!(response.body_json::<Vec<u32>>().await, [1, 2]);
}

/// Counts itself, as a permit does.
struct Guard(Arc<AtomicUsize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn closing_and_dropping_drop_the_response_body_at_once() {
    let open = Arc::new(AtomicUsize::new(0));
    let connect = || {
        let open = Arc::clone(&open);
        let service = tower::service_fn(move |_: Request<Body>| {
            open.fetch_add(1, Ordering::SeqCst);
            let guard = Guard(Arc::clone(&open));
            let body = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>().map(
                move |it| {
                    let _ = &guard;
                    it
                },
            ));
            std::future::ready(Ok::<_, Infallible>(Response::new(body)))
        });
        get(service, "/")
    };
    let mut first = connect().await;
    let second = connect().await;
    assert_eq!(open.load(Ordering::SeqCst), 2);
    first.close();
    assert_eq!(open.load(Ordering::SeqCst), 1);
    drop(second);
    assert_eq!(open.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_paused_already_is_fine() {
    let mut sse = open(&[(3600, "data: x\n\n")]).await;
    sse.expect_message().within(secs(3600)).await;
    assert_eq!(sse.elapsed(), secs(3600));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_threads_run_in_real_time() {
    let task = tokio::spawn(async {
        let mut sse = open(&[(0, ":\n\ndata: x\n\n")]).await;
        sse.expect_opening().await;
        sse.expect_message().text("x").await;
        sse.expect_end().await;
        sse.transcript().without_times().to_string()
    });
    assert!(task.await.unwrap().ends_with("event message | x\nend\n"));
}

#[tokio::test(start_paused = true)]
async fn real_time_resumes_a_paused_clock_and_virtual_time_pauses_it_again() {
    let service = || {
        tower::service_fn(|_: Request<Body>| async {
            // Real I/O: while it waits, a paused clock would jump to the timeout.
            let (mut left, right) = tokio::net::UnixStream::pair().unwrap();
            let writer = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(20));
                right.try_write(b"done").unwrap();
            });
            let mut answer = String::new();
            tokio::io::AsyncReadExt::read_to_string(&mut left, &mut answer)
                .await
                .unwrap();
            writer.join().unwrap();
            Ok::<_, Infallible>(Response::new(answer))
        })
    };
    let mut virtual_time = open(&[(10, "data: x\n\n")]).await;
    let mut real_time = get(service(), "/").real_time().await;
    assert_eq!(real_time.body_text().await, "done");
    virtual_time.expect_message().await;
}
