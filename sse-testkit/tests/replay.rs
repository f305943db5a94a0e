//! `sse-testkit replay`, as a process, serves what `tail --record` has kept.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]
#![cfg(feature = "cli")]

#[allow(dead_code, reason = "each test file needs a part of it")]
mod command;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sse_testkit::connect;
use sse_testkit::mock::{MockServer, Script, event};
use sse_testkit::recording::{Exchange, Recording};

use self::command::{Running, run, start};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A file that goes with the test.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let name = format!("sse-testkit-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn with(name: &str, text: &str) -> Self {
        let this = Self::new(name);
        std::fs::write(&this.0, text).unwrap();
        this
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The process, and the URL that it serves at.
async fn replay(args: &[&str]) -> (Running, String) {
    let mut running = start(&[&["replay", "--addr", "127.0.0.1:0"], args].concat());
    let line = running.line_with("serving").await;
    let (_, url) = line.split_once(" at ").unwrap();
    (running, url.to_owned())
}

fn chunks(exchange: &Exchange) -> Vec<&[u8]> {
    exchange.chunks().iter().map(|it| &*it.bytes).collect()
}

fn read(file: &Temporary) -> Recording {
    Recording::read(Path::new(file.path())).unwrap()
}

const TICKS: &str = r#"{"sse_recording":1}
{"status":200,"headers":{"content-type":"text/event-stream"}}
{"after":400,"text":"id: 1\nevent: tick\ndata: 1\n\n"}
{"after":400,"text":"id: 2\nevent: tick\ndata: 2\n\n"}
{"after":400,"end":true}
"#;

#[tokio::test]
async fn a_client_gets_from_a_replay_what_it_got_from_the_original() {
    let original = MockServer::scripts([
        Script::new()
            .header("x-tenant", "a")
            .retry(ms(10))
            .event(event("tick").id("1").data("one"))
            .pause(ms(20))
            .raw(&b"id: 2\ndata: \xf0\x9f"[..])
            .pause(ms(20))
            .raw(&b"\x98\x80\n\n"[..])
            .cut_inside(event("tick").id("3")),
        Script::new()
            .comment("resumed")
            .event(event("tick").id("3")),
    ]);
    let original = original.start().await;
    let (first, second) = (Temporary::new("first"), Temporary::new("second"));
    let url = original.url("/");
    let tail = run(&["tail", "--raw", "--record", first.path(), &url]).await;
    assert_eq!(tail.code(), Some(0));

    let (_replay, url) = replay(&[first.path()]).await;
    let again = run(&["tail", "--raw", "--record", second.path(), &url]).await;
    assert_eq!(again.code(), Some(0));

    assert_eq!(tail.stdout, again.stdout);
    let (first, second) = (read(&first), read(&second));
    assert_eq!(first.exchanges().len(), 3);
    assert_eq!(second.exchanges().len(), 3);
    for (one, other) in first.exchanges().iter().zip(second.exchanges()) {
        assert_eq!(chunks(one), chunks(other));
        assert_eq!(one.status(), other.status());
        assert_eq!(one.last_event_id(), other.last_event_id());
        let mut headers = [one, other].map(|it| it.headers().unwrap().clone());
        for headers in &mut headers {
            headers.remove("date");
        }
        assert_eq!(headers[0], headers[1]);
    }
}

#[tokio::test]
async fn the_timing_is_kept_or_made_faster_or_left_out() {
    let file = Temporary::with("timing", TICKS);
    for (args, at_least, at_most) in [
        (&[][..], ms(790), Duration::MAX),
        (&["--speed", "4"], ms(190), ms(790)),
        (&["--at-once"], ms(0), ms(390)),
    ] {
        let (_replay, url) = replay(&[&[file.path()], args].concat()).await;
        let mut sse = connect(&url).await;
        let sent = sse.elapsed();
        sse.collect(2).await;
        let took = sse.elapsed() - sent;
        assert!(at_least <= took && took < at_most, "{args:?}: {took:?}");
    }
}

#[tokio::test]
async fn a_loop_goes_on_and_each_request_is_told() {
    let file = Temporary::with("loop", TICKS);
    let (mut replay, url) = replay(&["--at-once", "--loop", file.path()]).await;
    let mut sse = connect(format!("{url}any/path?x=1"))
        .last_event_id("1")
        .await;
    let data: Vec<_> = sse.collect(4).await.into_iter().map(|it| it.data).collect();
    assert_eq!(data, ["2", "1", "2", "1"]);
    let told = replay.line_with("GET").await;
    assert!(
        told.ends_with("GET /any/path?x=1, last-event-id: \"1\""),
        "{told}"
    );
}

#[tokio::test]
async fn pages_of_other_origins_may_read_unless_told_otherwise() {
    let file = Temporary::with("cors", TICKS);
    let (_open, url) = replay(&["--at-once", file.path()]).await;
    let sse = connect(&url).header("origin", "http://a.test").await;
    sse.expect_header("access-control-allow-origin", "http://a.test");
    let (_closed, url) = replay(&["--no-cors", "--at-once", file.path()]).await;
    let sse = connect(&url).header("origin", "http://a.test").await;
    sse.expect_no_header("access-control-allow-origin");
}

#[tokio::test]
async fn it_ends_by_ctrl_c_and_its_port_is_free() {
    let file = Temporary::with("end", TICKS);
    let (replay, url) = replay(&[file.path()]).await;
    let mut sse = connect(&url).await;
    sse.expect_status(200);
    replay.interrupt().await;
    assert_eq!(replay.outcome().await.code(), Some(0));
    sse.expect_error().await;
    connect(&url).await.expect_error().await;
}

#[tokio::test]
async fn what_can_not_be_served_is_told() {
    let file = Temporary::with("wrong", "{\"sse_recording\":1}\n\n{\"text\":\"data: x\"}\n");
    let outcome = run(&["replay", file.path()]).await;
    assert_eq!(outcome.code(), Some(2));
    assert!(
        outcome
            .stderr
            .contains(": line 3: no connection is open here"),
        "{}",
        outcome.stderr
    );

    let outcome = run(&["replay", "/no/such/file"]).await;
    assert_eq!(outcome.code(), Some(2));
    assert!(
        outcome.stderr.contains("No such file"),
        "{}",
        outcome.stderr
    );

    let file = Temporary::with("taken", TICKS);
    let taken = MockServer::scripts([]).start().await;
    let address = taken.address().to_string();
    let outcome = run(&["replay", "--addr", &address, file.path()]).await;
    assert_eq!(outcome.code(), Some(2));
    assert!(
        outcome.stderr.contains("can't listen at"),
        "{}",
        outcome.stderr
    );
    for speed in ["0", "-1", "nan", "fast"] {
        let outcome = run(&["replay", "--speed", speed, file.path()]).await;
        assert_eq!(outcome.code(), Some(2), "{speed}");
    }
}
