//! Clients of a mock server get what the script or the recording says.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]
#![cfg(all(feature = "mock", feature = "socket"))]

use std::time::Duration;

use sse_testkit::mock::{MockServer, Script, event, message};
use sse_testkit::recording::{Exchange, Recording};
use sse_testkit::{EventStream, Frame, Reconnect, Seen, connect};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn recording(lines: &str) -> Recording {
    format!("{{\"sse_recording\":1}}\n{lines}").parse().unwrap()
}

const STREAM: &str = r#""status":200,"headers":{"content-type":"text/event-stream"}"#;

/// Three events with ids: two in one chunk, one cut into two; then the end.
fn three() -> Recording {
    recording(&format!(
        r#"{{{STREAM}}}
        {{"text":"retry: 10\n\nid: 1\ndata: one\n\nid: 2\r\ndata: two\r\n\r\n"}}
        {{"after":40,"text":"id: 3\ndata: th"}}
        {{"after":40,"text":"ree\n\n"}}
        {{"after":40,"end":true}}"#
    ))
}

async fn texts(sse: &mut EventStream) -> Vec<String> {
    let events = sse.collect_to_end().await;
    events.into_iter().map(|event| event.data).collect()
}

#[tokio::test]
async fn every_step_of_a_script_is_seen() {
    let script = Script::new()
        .header("x-tenant", "a")
        .retry(ms(20))
        .event(event("tick").id("1").retry(ms(30)).json(&[1, 2]))
        .comment("two\nlines")
        .event(message("a\rb\r\nc\nd"))
        .raw("data: raw\n\n")
        .garbage()
        .raw("\n\n");
    let server = MockServer::scripts([script]).start().await;
    let mut sse = connect(server.url("x")).await;
    sse.expect_header("x-tenant", "a");
    sse.collect_to_end().await;
    insta::assert_snapshot!(sse.transcript().without_times().with_chunks());
    assert_eq!(sse.reconnect().await, Reconnect::Stopped);
}

#[tokio::test]
async fn requests_are_told_in_order() {
    let scripts = [Script::new(), Script::new(), Script::new()];
    let server = MockServer::scripts(scripts).start().await;
    let mut sse = connect(server.url("/a?b=c")).last_event_id("é").await;
    sse.expect_end().await;
    let mut sse = connect(server.url("/d"))
        .method(http::Method::POST)
        .body("hello")
        .http2()
        .await;
    sse.expect_end().await;

    let requests = server.wait_for_requests(2).await;
    assert_eq!(requests[0].method, "GET");
    assert_eq!(requests[0].uri, "/a?b=c");
    assert_eq!(requests[0].last_event_id(), Some("é"));
    assert_eq!(requests[1].method, "POST");
    assert_eq!(requests[1].version, http::Version::HTTP_2);
    assert_eq!(requests[1].uri.path(), "/d");
    assert_eq!(requests[1].body, "hello");
    assert!(requests[0].elapsed <= requests[1].elapsed);
    assert_eq!(server.left(), 1);
}

#[tokio::test]
async fn a_request_that_is_awaited_is_told_when_it_comes() {
    let server = MockServer::scripts([Script::new().stall()]).start().await;
    let url = server.url("/");
    let (requests, mut sse) = tokio::join!(server.wait_for_requests(1), async {
        tokio::task::yield_now().await;
        connect(url).await
    });
    assert_eq!(requests.len(), 1);
    sse.expect_idle(ms(50)).await;
}

#[tokio::test]
async fn requests_that_were_taken_are_not_kept() {
    let server = MockServer::scripts([]).start().await;
    for path in ["/a", "/b", "/c"] {
        connect(server.url(path)).await.expect_status(204);
        if path != "/a" {
            let taken = server.take_requests().await;
            let paths: Vec<_> = taken.iter().map(|it| it.uri.path()).collect();
            let expected = if path == "/b" {
                &["/a", "/b"][..]
            } else {
                &["/c"]
            };
            assert_eq!(paths, expected);
        }
    }
    assert!(server.requests().is_empty());
    let (taken, _) = tokio::join!(server.take_requests(), async {
        tokio::task::yield_now().await;
        connect(server.url("/d")).await
    });
    assert_eq!(taken.len(), 1);
}

#[tokio::test]
async fn what_was_sent_before_a_fault_comes_and_then_the_fault() {
    let event_then = || Script::new().event(message("first"));
    let scripts = [
        event_then().cut_inside(message("second")),
        event_then().reset(),
        Script::hang_up(),
        event_then().status(503),
        event_then().content_type("text/html"),
    ];
    let server = MockServer::scripts(scripts.clone()).start().await;
    let mut sse = connect(server.url("/")).await;
    sse.expect_message().text("first").await;
    sse.expect_error().await;
    assert!(sse.raw().ends_with(b"data: s"), "{:?}", sse.raw());

    let mut sse = connect(server.url("/")).await;
    sse.expect_message().text("first").await;
    let reset = sse.expect_error().await;
    assert!(reset.contains("reset by peer"), "{reset}");

    let mut sse = connect(server.url("/")).await;
    let hung_up = sse.expect_error().await;
    assert_eq!(
        hung_up,
        "the connection was closed before there was a response"
    );

    for status in [503, 200] {
        let mut sse = connect(server.url("/")).await;
        sse.expect_status(status);
        assert_eq!(sse.reconnect().await, Reconnect::Refused);
        assert_eq!(sse.body_text().await, "data: first\n\n");
    }
    assert_eq!(server.left(), 0);
}

#[tokio::test]
async fn faults_are_seen_over_http2_as_well() {
    let event_then = || Script::new().event(message("first"));
    let scripts = [event_then().cut(), event_then().reset(), Script::hang_up()];
    let server = MockServer::scripts(scripts).start().await;
    for _ in 0..2 {
        let mut sse = connect(server.url("/")).http2().await;
        sse.expect_message().text("first").await;
        sse.expect_error().await;
    }
    let mut sse = connect(server.url("/")).http2().await;
    sse.expect_error().await;
}

#[tokio::test]
async fn a_redirect_is_followed_by_those_who_follow_redirects() {
    let scripts = [
        Script::redirect("/there"),
        Script::new().event(message("hi")),
    ];
    let server = MockServer::scripts(scripts).start().await;
    let mut watch = connect(server.url("/here")).watch();
    loop {
        let seen = watch.next().await.unwrap().seen;
        if let Seen::Frame(Frame::Event { event, .. }) = seen {
            assert_eq!(event.data, "hi");
            break;
        }
    }
    let paths: Vec<_> = server
        .requests()
        .iter()
        .map(|it| it.uri.to_string())
        .collect();
    assert_eq!(paths, ["/here", "/there"]);
}

#[tokio::test]
async fn what_has_no_script_gets_the_other_one() {
    let server = MockServer::scripts([]).otherwise(Script::new().event(message("x")));
    let server = server.start().await;
    for _ in 0..2 {
        assert_eq!(texts(&mut connect(server.url("/")).await).await, ["x"]);
    }
}

#[tokio::test]
async fn scripts_are_repeated_where_that_is_asked_for() {
    let scripts = ["a", "b"].map(|text| Script::new().event(message(text)));
    let server = MockServer::scripts(scripts).repeat().start().await;
    for text in ["a", "b", "a"] {
        assert_eq!(texts(&mut connect(server.url("/")).await).await, [text]);
    }
}

#[tokio::test]
async fn every_origin_may_read_unless_that_is_switched_off() {
    let scripts = || [Script::new().header("vary", "accept"), Script::new()];
    let open = MockServer::scripts(scripts()).start().await;
    let request = || connect(open.url("/")).header("origin", "http://a.test");
    let preflight = request()
        .method(http::Method::OPTIONS)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "last-event-id")
        .await;
    preflight
        .expect_status(204)
        .expect_header("access-control-allow-origin", "http://a.test")
        .expect_header("access-control-allow-methods", "GET")
        .expect_header("access-control-allow-headers", "last-event-id");
    assert_eq!(open.requests().len(), 0);
    request()
        .await
        .expect_header("access-control-allow-origin", "http://a.test")
        .expect_header("access-control-allow-credentials", "true")
        .expect_header("vary", "accept")
        .expect_header("vary", "origin");

    let closed = MockServer::scripts(scripts()).without_cors().start().await;
    connect(closed.url("/"))
        .header("origin", "http://a.test")
        .await
        .expect_no_header("access-control-allow-origin");
}

#[tokio::test]
async fn pauses_are_kept_shortened_or_left_out() {
    let script = || Script::new().pause(ms(300)).event(message("x"));
    let slow = MockServer::scripts([script().head_after(ms(100))])
        .start()
        .await;
    let mut sse = connect(slow.url("/")).await;
    assert!(sse.elapsed() >= ms(100));
    sse.expect_message().await;
    assert!(sse.elapsed() >= ms(400));

    let script = || script().head_after(ms(300));
    let fast = MockServer::scripts([script()]).speed(1000.0).start().await;
    let at_once = MockServer::scripts([script().pause(Duration::MAX)]).at_once();
    for server in [fast, at_once.start().await] {
        let mut sse = connect(server.url("/")).await;
        texts(&mut sse).await;
        assert!(sse.elapsed() < ms(300), "{:?}", sse.elapsed());
    }
}

#[tokio::test]
async fn a_dropped_server_closes_its_connections_and_its_port() {
    let server = MockServer::scripts([Script::new().stall()]).start().await;
    let address = server.address();
    let mut sse = connect(server.url("/")).await;
    sse.expect_status(200);
    drop(server);
    sse.expect_error().await;
    connect(format!("http://{address}/"))
        .await
        .expect_error()
        .await;
}

#[tokio::test]
async fn a_client_gets_from_a_replay_what_the_recorded_one_got() {
    let original = MockServer::scripts([
        Script::new()
            .retry(ms(20))
            .event(event("tick").id("1").data("é"))
            .pause(ms(30))
            .raw(&b"id: 2\ndata: \xc3"[..])
            .pause(ms(30))
            .raw(&b"\xa9\n\n: x\n\n"[..])
            .cut_inside(event("lost").id("3")),
        Script::new()
            .event(event("tick").id("3").data("three"))
            .comment(""),
        Script::hang_up(),
        Script::new().raw("\u{feff}data: no bom here\r\r"),
    ]);
    let original = original.start().await;
    let (first, kept) = watched(&original).await;

    let kept: Recording = kept.to_string().parse().unwrap();
    let replay = MockServer::replay(&kept).at_once().start().await;
    let (second, again) = watched(&replay).await;
    assert_eq!(first, second);
    assert_eq!(first.len(), 8);
    assert_eq!(replay.left(), 0);
    assert_eq!(kept.exchanges().len(), again.exchanges().len());
    for (one, other) in kept.exchanges().iter().zip(again.exchanges()) {
        assert_eq!(one.last_event_id(), other.last_event_id());
        assert_eq!(one.status(), other.status());
        assert_eq!(one.chunks().len(), other.chunks().len());
    }
}

/// All chunks up to the 204, each with the number of its connection; and the recording of it.
async fn watched(server: &MockServer) -> (Vec<(usize, bytes::Bytes)>, Recording) {
    let mut file = Vec::new();
    let mut writer = sse_testkit::recording::Writer::new(&mut file, None).unwrap();
    let mut watch = connect(server.url("/")).watch();
    let mut chunks = Vec::new();
    let mut connections = 0;
    while let Some(sighting) = watch.next().await {
        writer.write(&sighting).unwrap();
        match sighting.seen {
            Seen::Request { .. } => connections += 1,
            Seen::Chunk(bytes) => chunks.push((connections, bytes)),
            _ => {}
        }
    }
    (chunks, Recording::from_bytes(&file).unwrap())
}

#[tokio::test]
async fn a_recording_is_resumed_behind_any_id() {
    let server = MockServer::replay(&three()).at_once().start().await;
    let cases = [
        ("", &["one", "two", "three"][..]),
        ("1", &["two", "three"]),
        ("2", &["three"]),
        ("unknown", &["one", "two", "three"]),
    ];
    for (id, expected) in cases {
        let mut sse = connect(server.url("/")).last_event_id(id).await;
        assert_eq!(texts(&mut sse).await, expected, "{id:?}");
        assert!(!sse.raw().starts_with(b"\n"));
    }
    let sse = connect(server.url("/")).last_event_id("3").await;
    sse.expect_status(204);
}

#[tokio::test]
async fn a_client_that_has_all_events_is_told_to_stop() {
    let rest = [
        r#"{"text":": alive\n\nretry: 5\n\n"}
        {"end":true}"#,
        r#"{"text":"id: 2\ndata: cut"}
        {"error":"reset"}"#,
    ];
    for rest in rest {
        let recorded = recording(&format!(
            r#"{{{STREAM}}}
            {{"text":"id: 1\ndata: one\n\n"}}
            {rest}"#
        ));
        let server = MockServer::replay(&recorded).start().await;
        let sse = connect(server.url("/")).last_event_id("1").await;
        sse.expect_status(204);
    }
}

#[tokio::test]
async fn a_recording_without_ids_is_served_part_by_part() {
    let parts = recording(&format!(
        r#"{{{STREAM}}}
        {{"text":"data: one\n\n"}}
        {{"end":true}}
        {{"connect":""}}
        {{{STREAM}}}
        {{"text":"data: two\n\n"}}
        {{"end":true}}"#
    ));
    let server = MockServer::replay(&parts).start().await;
    assert_eq!(server.left(), 2);
    for expected in ["one", "two", "one"] {
        assert_eq!(texts(&mut connect(server.url("/")).await).await, [expected]);
    }
    assert_eq!(server.left(), 0);
}

#[tokio::test]
async fn a_recording_that_repeats_goes_on_in_the_same_response() {
    let server = MockServer::replay(&three())
        .speed(100.0)
        .repeat()
        .start()
        .await;
    let mut sse = connect(server.url("/")).await;
    let data: Vec<_> = sse.collect(7).await.into_iter().map(|it| it.data).collect();
    assert_eq!(data, ["one", "two", "three", "one", "two", "three", "one"]);
    let mut sse = connect(server.url("/")).last_event_id("3").await;
    sse.expect_message().text("one").await;
}

/// What a recording ends with, it ends with only where it is not repeated.
#[tokio::test]
async fn a_recording_that_repeats_has_no_end() {
    for end in ["", r#"{"error":"broken"}"#] {
        let recorded = recording(&format!(
            "{{{STREAM}}}\n{{\"text\":\"data: one\\n\\n\"}}\n{end}"
        ));
        let server = MockServer::replay(&recorded).at_once().repeat();
        let server = server.start().await;
        let mut sse = connect(server.url("/")).await;
        assert_eq!(sse.collect(3).await.len(), 3);
    }
    // Without anything to repeat it has one.
    let recorded = recording(&format!("{{{STREAM}}}\n{{\"after\":1,\"end\":true}}"));
    let server = MockServer::replay(&recorded).repeat().start().await;
    connect(server.url("/")).await.expect_end().await;
}

/// Parts written by hand need not say with which id they were asked for.
#[tokio::test]
async fn the_next_part_follows_the_last_id_of_one() {
    let part = |id: u8| {
        format!(
            "{{\"connect\":\"\"}}\n{{{STREAM}}}\n{{\"text\":\"id: {id}\\ndata: {id}\\n\\n\"}}\n{{\"end\":true}}\n"
        )
    };
    let server = MockServer::replay(&recording(&(part(1) + &part(2))));
    let server = server.start().await;
    let mut sse = connect(server.url("/")).last_event_id("1").await;
    assert_eq!(texts(&mut sse).await, ["2"]);
}

/// Whoever asks with the same id more often than the recorded client gets what that got at last.
#[tokio::test]
async fn the_last_answer_to_an_id_stays() {
    let answer = |text: &str| {
        format!(
            "{{\"connect\":\"1\"}}\n{{{STREAM}}}\n{{\"text\":\"data: {text}\\n\\n\"}}\n{{\"end\":true}}\n"
        )
    };
    let recorded = recording(&(answer("one") + &answer("two")));
    let server = MockServer::replay(&recorded).start().await;
    for expected in ["one", "two", "two"] {
        let mut sse = connect(server.url("/")).last_event_id("1").await;
        assert_eq!(texts(&mut sse).await, [expected]);
    }
}

/// The server took its time for the whole stream, not for the rest.
#[tokio::test]
async fn what_is_resumed_comes_at_once() {
    let slow = recording(&format!(
        r#"{{"at":60000,{STREAM}}}
        {{"text":"id: 1\ndata: one\n\ndata: two\n\n"}}
        {{"end":true}}"#
    ));
    let server = MockServer::replay(&slow).start().await;
    let mut sse = connect(server.url("/")).last_event_id("1").await;
    assert_eq!(texts(&mut sse).await, ["two"]);
}

#[tokio::test]
async fn a_recording_that_was_stopped_leaves_the_response_open() {
    let open = recording(&format!(
        "{{{STREAM}}}\n{{\"text\":\"id: 1\\ndata: one\\n\\n\"}}"
    ));
    let server = MockServer::replay(&open).start().await;
    let mut sse = connect(server.url("/")).await;
    sse.expect_message().await;
    sse.expect_idle(ms(50)).await;
    let mut resumed = connect(server.url("/")).last_event_id("1").await;
    resumed.expect_status(200);
    resumed.expect_idle(ms(50)).await;
}

/// Whoever stops a recording while it waits for a response has not seen the server hang up.
#[tokio::test]
async fn a_request_whose_answer_was_not_awaited_is_not_replayed() {
    let stopped = recording(&format!(
        r#"{{{STREAM}}}
        {{"text":"id: 1\ndata: one\n\nid: 2\ndata: two\n\n"}}
        {{"end":true}}
        {{"connect":"1"}}"#
    ));
    let server = MockServer::replay(&stopped).start().await;
    assert_eq!(server.left(), 1);
    let mut sse = connect(server.url("/")).last_event_id("1").await;
    assert_eq!(texts(&mut sse).await, ["two"]);
}

#[tokio::test]
async fn a_request_without_an_id_gets_the_start() {
    let later = recording(&format!(
        r#"{{"connect":"7"}}
        {{{STREAM}}}
        {{"text":"id: 8\ndata: eight\n\nid\ndata: none\n\ndata: last\n\n"}}
        {{"end":true}}"#
    ));
    let server = MockServer::replay(&later).start().await;
    let expected = ["eight", "none", "last"];
    assert_eq!(texts(&mut connect(server.url("/")).await).await, expected);
}

/// A page of a development server reads what was recorded for another origin.
#[tokio::test]
async fn whom_the_original_allowed_to_read_does_not_matter() {
    let recorded = recording(
        r#"{"status":200,"headers":{"content-type":"text/event-stream","access-control-allow-origin":"https://app.test","access-control-expose-headers":"x"}}"#,
    );
    let origin = "access-control-allow-origin";
    let open = MockServer::replay(&recorded).start().await;
    let sse = connect(open.url("/")).header("origin", "http://localhost:5173");
    sse.await
        .expect_header(origin, "http://localhost:5173")
        .expect_no_header("access-control-expose-headers");
    let closed = MockServer::replay(&recorded).without_cors().start().await;
    let sse = connect(closed.url("/")).header("origin", "http://localhost:5173");
    sse.await.expect_header(origin, "https://app.test");
}

#[tokio::test]
async fn a_redirect_and_the_connections_own_headers_are_not_replayed() {
    let recorded = recording(
        r#"{"status":307,"headers":{"location":"http://elsewhere.test/"}}
        {"connect":""}
        {"status":200,"headers":{"content-type":"text/event-stream","x-kept":["a","b"],
            "content-length":"1000","connection":"close","date":"yesterday"}}
        {"text":"data: x\n\n"}
        {"end":true}"#
            .replace("\n            ", "")
            .as_str(),
    );
    let server = MockServer::replay(&recorded).start().await;
    let mut sse = connect(server.url("/")).await;
    sse.expect_no_header("content-length")
        .expect_no_header("connection")
        .expect_header("x-kept", "a")
        .expect_header("x-kept", "b");
    assert_ne!(sse.headers()["date"], "yesterday");
    assert_eq!(texts(&mut sse).await, ["x"]);
}

#[tokio::test]
async fn a_test_can_keep_what_it_saw() {
    let server = MockServer::replay(&three()).at_once().start().await;
    let mut sse = connect(server.url("/")).last_event_id("1").await;
    texts(&mut sse).await;
    assert_eq!(sse.reconnect().await, Reconnect::Stopped);
    let kept = sse.recording();
    let ids: Vec<_> = kept
        .exchanges()
        .iter()
        .map(Exchange::last_event_id)
        .collect();
    assert_eq!(ids, ["1", "3"]);
    // It waited for the reconnection time.
    assert!(kept.exchanges()[1].at() >= kept.exchanges()[0].at() + ms(10));
    let replay = MockServer::replay(&kept).at_once().start().await;
    let mut again = connect(replay.url("/")).last_event_id("1").await;
    assert_eq!(texts(&mut again).await, ["two", "three"]);
    assert_eq!(
        again.raw(),
        &b"id: 2\r\ndata: two\r\n\r\nid: 3\ndata: three\n\n"[..]
    );
}

/// What a chunk is to a browser's developer tools and to a proxy: a chunk of HTTP/1.1.
#[tokio::test]
async fn the_chunks_of_a_recording_are_the_chunks_on_the_wire() {
    let server = MockServer::replay(&three()).at_once().start().await;
    let mut tcp = TcpStream::connect(server.address()).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    tcp.write_all(request).await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(
        body,
        "30\r\nretry: 10\n\nid: 1\ndata: one\n\nid: 2\r\ndata: two\r\n\r\n\r\n\
         E\r\nid: 3\ndata: th\r\n5\r\nree\n\n\r\n0\r\n\r\n"
    );
}
