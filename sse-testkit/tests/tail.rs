//! `sse-testkit tail`, as a process, reads servers that a script plays and axum's own streams.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]
#![cfg(feature = "cli")]

mod command;
#[path = "tls/mod.rs"]
#[allow(dead_code, reason = "each test file needs a part of it")]
mod front;

use std::time::Duration;

use axum::Router;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures_util::StreamExt as _;
use sse_testkit::mock::{MockServer, Script, event, message};
use sse_testkit::recording::{Ending, Recording};
use tokio::net::TcpListener;

use self::command::{run, start};
use self::front::{Front, Identity};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

async fn mock(scripts: impl IntoIterator<Item = Script>) -> MockServer {
    MockServer::scripts(scripts).start().await
}

/// Events of all kinds, a fault, an end, and then a 204.
fn eventful() -> [Script; 2] {
    [
        Script::new()
            .retry(ms(10))
            .event(event("tick").id("1").data("{\"b\": 1.0,\n \"a\": [2]}"))
            .pause(ms(30))
            .comment("keep-alive")
            .event(message("two\nlines\u{1b}[31m"))
            .cut_inside(event("tick").id("2")),
        Script::new().event(event("tick").id("2").data("2")),
    ]
}

#[tokio::test]
async fn all_that_happens_is_shown_until_the_server_says_stop() {
    let server = mock(eventful()).await;
    let outcome = run(&["tail", &server.url("/prices")]).await;
    insta::assert_snapshot!(outcome.without_times());
    // What the client does by itself is no pause of the server's.
    for line in outcome.text().lines().filter(|it| it.len() > 22) {
        let by_itself = ["request", "reconnect", "stopped"];
        let by_itself = by_itself.iter().any(|it| line[22..].starts_with(it));
        let goes_on = line.starts_with("         ");
        assert_eq!(!line[..22].contains('+'), by_itself || goes_on, "{line}");
    }
    assert_eq!(outcome.stderr, "");
    assert_eq!(outcome.code(), Some(0));
    let ids: Vec<_> = server
        .requests()
        .iter()
        .map(|it| it.last_event_id().map(str::to_owned))
        .collect();
    assert_eq!(ids, [None, Some("1".to_owned()), Some("2".to_owned())]);
}

#[tokio::test]
async fn the_times_are_those_of_the_stream() {
    let script = Script::new()
        .event(message("a"))
        .pause(ms(300))
        .event(message("b"));
    let server = mock([script]).await;
    let outcome = run(&["tail", "--once", &server.url("/")]).await;
    let text = outcome.text();
    let columns = |name: &str| {
        let line = text.lines().find(|line| line.ends_with(name)).unwrap();
        let mut numbers = line.split_whitespace().map(|it| {
            it.trim_start_matches('+')
                .parse::<f64>()
                .unwrap_or_default()
        });
        (numbers.next().unwrap(), numbers.next().unwrap())
    };
    let (a, b) = (columns("| a"), columns("| b"));
    assert!(b.1 >= 0.29, "{text}");
    assert!((b.0 - a.0 - b.1).abs() < 0.002, "{text}");
}

#[tokio::test]
async fn a_stream_of_axum_is_shown_once() {
    let app = Router::new().route(
        "/ticks",
        get(|| async {
            let ticks = futures_util::stream::iter(0..2).then(|n| async move {
                tokio::time::sleep(ms(500 * n)).await;
                let event = Event::default().event("tick").id(n.to_string());
                event.json_data(serde_json::json!({ "n": n }))
            });
            Sse::new(ticks).keep_alive(KeepAlive::new().interval(ms(50)).text("alive"))
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });

    let url = format!("{address}/ticks");
    let outcome = run(&["tail", "--once", "--include", "--compact", &url]).await;
    let date = regex_lite::Regex::new("\ndate: .*").unwrap();
    let text = outcome.without_times();
    // How many heartbeats there are depends on how busy the machine is.
    let mut lines: Vec<_> = text.lines().collect();
    lines.dedup();
    let text = lines.join("\n");
    insta::assert_snapshot!(date.replace(&text, "\ndate: now"));
    assert_eq!(outcome.code(), Some(0));
}

#[tokio::test]
async fn events_are_lines_of_json_for_programs() {
    let server = mock(eventful()).await;
    let outcome = run(&["tail", "--json", &server.url("/")]).await;
    let text = outcome.text();
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["at"].is_u64() && line["gap"].is_u64());
    }
    let times = regex_lite::Regex::new(r#""at":\d+,"gap":\d+"#).unwrap();
    insta::assert_snapshot!(times.replace_all(&text, r#""at":0,"gap":0"#), @r#"
    {"at":0,"gap":0,"event":"tick","id":"1","last_event_id":"1","retry":null,"data":"{\"b\": 1.0,\n \"a\": [2]}","json":{"b":1.0,"a":[2]}}
    {"at":0,"gap":0,"event":"message","id":null,"last_event_id":"1","retry":null,"data":"two\nlines\u001b[31m"}
    {"at":0,"gap":0,"event":"tick","id":"2","last_event_id":"2","retry":null,"data":"2","json":2}
    "#);
    assert!(outcome.stderr.contains("HTTP 204"), "{}", outcome.stderr);
}

#[tokio::test]
async fn raw_bytes_are_those_of_the_server() {
    let server = mock([Script::new().garbage(), Script::new().raw("\n\ndata: x")]).await;
    let outcome = run(&["tail", "--raw", "--once", &server.url("/")]).await;
    assert_eq!(outcome.stdout, (0..=255).collect::<Vec<u8>>());
    let outcome = run(&["tail", "--raw", "--once", &server.url("/")]).await;
    assert_eq!(outcome.stdout, b"\n\ndata: x");
}

#[tokio::test]
async fn a_script_is_told_by_the_status_whether_what_it_waits_for_has_come() {
    let endless = || {
        let script = Script::new().event(event("tick")).event(event("done"));
        script.event(event("tick")).stall()
    };
    let cases: [(&[&str], i32, usize); 8] = [
        (&["--until", "done"], 0, 2),
        (&["--count", "3"], 0, 3),
        (&["--until", "done", "--count", "1"], 0, 1),
        (&["--for", "300ms"], 0, 3),
        (&["--for", "300ms", "--until", "tock"], 1, 3),
        (&["--for", "300ms", "--count", "4"], 1, 3),
        (&["--count", "0"], 2, 0),
        (&["--for", "ages"], 2, 0),
    ];
    for (args, code, events) in cases {
        let server = mock([endless()]).await;
        let url = server.url("/");
        let outcome = run(&[&["tail", "--json", &url], args].concat()).await;
        assert_eq!(outcome.code(), Some(code), "{args:?}: {}", outcome.stderr);
        assert_eq!(outcome.text().lines().count(), events, "{args:?}");
    }
}

#[tokio::test]
async fn without_a_second_attempt_the_first_one_decides() {
    let one = || Script::new().event(message("x"));
    let refused = || one().status(401).content_type("application/json");
    let cases: [(Script, &[&str], i32); 10] = [
        (refused(), &[], 1),
        (refused(), &["--json"], 1),
        (one().content_type("text/html").cut(), &[], 1),
        (one(), &["--count", "1"], 0),
        (one(), &["--count", "2"], 1),
        (one(), &[], 0),
        (one().cut(), &[], 1),
        (Script::hang_up(), &[], 1),
        (Script::no_content(), &[], 0),
        (Script::no_content(), &["--until", "x"], 1),
    ];
    for (script, args, code) in cases {
        let server = mock([script]).await;
        let url = server.url("/");
        let outcome = run(&[&["tail", "--once", &url], args].concat()).await;
        assert_eq!(outcome.code(), Some(code), "{args:?}\n{}", outcome.text());
        assert!(!outcome.text().contains("reconnect"));
    }
}

#[tokio::test]
async fn what_is_no_stream_is_shown_and_refused() {
    let server = mock([
        Script::new()
            .status(503)
            .content_type("application/json")
            .raw("{\"error\":\"full\"}\n"),
        Script::new().content_type("text/html").raw("<p>").stall(),
    ])
    .await;
    let first = run(&["tail", &server.url("/")]).await;
    let second = run(&["tail", &server.url("/")]).await;
    let text = [
        first.without_times(),
        second.without_times(),
        second.stderr.clone(),
    ];
    insta::assert_snapshot!(text.join("\n"));
    assert_eq!((first.code(), second.code()), (Some(1), Some(1)));
}

#[tokio::test]
async fn what_can_not_be_asked_is_told() {
    let cases: [&[&str]; 8] = [
        &["https://localhost/", "--ca", "/no/such/file"],
        &["--once", "ftp://example.org/"],
        &["http://me:secret@localhost/"],
        &["ftp://example.org/"],
        &["no url"],
        &["https:///path"],
        &["http://x", "--header", "no header"],
        &["http://x", "--record", "/nowhere/at/all"],
    ];
    for args in cases {
        let outcome = run(&[&["tail"], args].concat()).await;
        assert_eq!(outcome.code(), Some(2), "{args:?}");
        assert_ne!(outcome.stderr, "");
    }
}

#[tokio::test]
async fn a_stream_behind_tls_is_shown_if_the_server_is_trusted() {
    let stream = Script::new().event(event("tick").id("1").data("one"));
    let server = mock([stream.clone(), stream]).await;
    let identity = Identity::signed("localhost");
    let file = std::env::temp_dir().join(format!("sse-testkit-ca-{}", std::process::id()));
    std::fs::write(&file, &identity.root).unwrap();
    let front = Front::start(server.address(), identity, &["h2", "http/1.1"]).await;
    let (url, ca) = (front.url("localhost", "/"), file.to_str().unwrap());
    for protocol in [&[][..], &["--http2"]] {
        let outcome = run(&[&["tail", "--once", "--ca", ca, &url], protocol].concat()).await;
        assert!(outcome.text().contains("event tick #1 | one"));
        assert_eq!(outcome.code(), Some(0));
    }
    let versions: Vec<_> = server.requests().iter().map(|it| it.version).collect();
    assert_eq!(versions, [http::Version::HTTP_11, http::Version::HTTP_2]);

    let outcome = run(&["tail", &url]).await;
    assert_eq!(outcome.code(), Some(2), "{}", outcome.text());
    assert!(outcome.text().contains("with --ca"), "{}", outcome.text());
    std::fs::remove_file(file).unwrap();
}

/// What a refused request was answered, an API's explanation of an error for instance, is no event.
#[tokio::test]
async fn programs_are_told_what_was_refused_beside_the_events() {
    let full = Script::new()
        .status(503)
        .raw("{\"error\":\"full\u{1b}[2J\"}");
    let server = mock([full]).await;
    let outcome = run(&["tail", "--json", &server.url("/")]).await;
    assert_eq!(outcome.stdout, b"");
    assert!(outcome.stderr.contains("HTTP 503"), "{}", outcome.stderr);
    let body = "body | {\"error\":\"full\\u{1b}[2J\"}";
    assert!(outcome.stderr.contains(body), "{}", outcome.stderr);
}

#[tokio::test]
async fn an_address_in_the_query_is_no_scheme() {
    let server = mock([Script::new(), Script::new()]).await;
    let url = format!("{}/log?to=http://x", server.address());
    let outcome = run(&["tail", "--once", &url]).await;
    assert_eq!(outcome.code(), Some(0), "{}", outcome.text());
    assert_eq!(server.requests()[0].uri, "/log?to=http://x");
}

/// Whatever a server sends, a terminal shows it and does not do what it says: no control characters
/// of either set, and nothing that turns the order of the text around.
#[tokio::test]
async fn a_server_has_no_power_over_the_terminal() {
    let evil = "\u{1b}]0;x\u{7}\u{9b}31m\u{7f}\u{202e}\u{2066}\u{2028}";
    let script = |there: &str| {
        Script::new()
            .header("x-evil", "\u{9b}31m\u{202e}")
            .event(event(evil).id("7").data(format!("{evil}\r[\"{evil}\"]")))
            .event(message(format!(
                "[\"{}\"]",
                &evil["\u{1b}]0;x\u{7}".len()..]
            )))
            .comment(evil)
            .raw(format!("{evil}: {evil}\n\n"))
            .raw(format!("id: {there}{evil}\n\n"))
            .raw(format!("data: {evil}"))
    };
    let refused = Script::new().status(500).raw(evil);
    let redirects = ["/\u{9b}31m\u{202e}", "ftp://x/\u{9b}31m", "\u{9b}31m://"];
    let redirects = redirects.map(|to| Script::new().status(307).header("location", to));
    let scripts = redirects
        .into_iter()
        .chain([refused, script("a"), script("b")]);
    for script in scripts {
        for mode in [&["--include"][..], &["--compact"], &["--json"]] {
            let server = mock([script.clone(), Script::new()]).await;
            let url = server.url("/");
            let outcome = run(&[&["tail", "--once", &url], mode].concat()).await;
            let shown = outcome.text() + &outcome.stderr;
            let has_power =
                |it: char| it != '\n' && it.is_control() || "\u{202e}\u{2066}\u{2028}".contains(it);
            assert!(!shown.contains(has_power), "{mode:?}: {shown:?}");
            for line in outcome.text().lines().filter(|_| mode == ["--json"]) {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                let data = line["data"].as_str().unwrap();
                assert!(data.contains("\u{9b}31m\u{7f}\u{202e}\u{2066}\u{2028}"));
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_asked_again() {
    let address = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{address}/");
    let mut tail = start(&["tail", &url]);
    tail.line_with("can't connect").await;
    tail.line_with("reconnect after 3s").await;
    let server = MockServer::scripts([Script::new().event(message("up"))]);
    let _server = server.bind(address).await.unwrap();
    tail.line_with("event message | up").await;
}

#[tokio::test]
async fn the_request_is_what_was_asked_for() {
    let server = mock([Script::new(), Script::new()]).await;
    let file = std::env::temp_dir().join(format!("sse-testkit-post-{}", std::process::id()));
    std::fs::write(&file, "{\"model\":\"m\"}").unwrap();
    let url = server.url("/v1?x=y");
    let post = [
        "tail",
        "-H",
        "Authorization: Bearer a:b",
        "--post",
        file.to_str().unwrap(),
        &url,
    ];
    assert_eq!(run(&post).await.code(), Some(0));
    let http2 = ["tail", "--once", "--http2", "--last-event-id", "7", &url];
    assert_eq!(run(&http2).await.code(), Some(0));
    std::fs::remove_file(file).unwrap();

    let requests = server.requests();
    assert_eq!(requests.len(), 2, "a POST is not repeated");
    assert_eq!(requests[0].method, "POST");
    assert_eq!(requests[0].body, "{\"model\":\"m\"}");
    assert_eq!(requests[0].headers["content-type"], "application/json");
    assert_eq!(requests[0].headers["authorization"], "Bearer a:b");
    assert_eq!(requests[0].headers["accept"], "text/event-stream");
    assert_eq!(requests[1].version, http::Version::HTTP_2);
    assert_eq!(requests[1].last_event_id(), Some("7"));
}

#[tokio::test]
async fn colour_is_for_terminals_and_for_whoever_asks() {
    let server = mock([eventful()[0].clone(), eventful()[0].clone()]).await;
    let plain = run(&["tail", "--once", &server.url("/")]).await;
    let painted = run(&["tail", "--once", "--color", "always", &server.url("/")]).await;
    // What the server sends can't paint.
    assert!(!plain.text().contains('\u{1b}'));
    assert!(plain.text().contains("lines\\u{1b}[31m"));
    let margin = "(?m)^\u{1b}\\[2m *[0-9.]+ +(\\+[0-9.]+)?\u{1b}\\[0m  ";
    let margin = regex_lite::Regex::new(margin).unwrap();
    let text = margin
        .replace_all(&painted.text(), "")
        .replace('\u{1b}', "ESC");
    let port = regex_lite::Regex::new(":[0-9]{4,5}/").unwrap();
    insta::assert_snapshot!(port.replace(&text, ":PORT/"));
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_ends_it() {
    let ticks = (0..50).fold(Script::new(), |script, _| {
        script.event(event("tick")).pause(ms(20))
    });
    let server = mock([ticks.stall()]).await;
    let mut tail = start(&["tail", &server.url("/")]);
    tail.line_with("event tick").await;
    assert_eq!(tail.close_output().await.code(), Some(0));
}

#[tokio::test]
async fn a_recording_that_is_cut_off_is_whole() {
    let script = Script::new().event(event("tick").id("1")).comment("alive");
    let server = mock([script.stall()]).await;
    let file = std::env::temp_dir().join(format!("sse-testkit-cut-{}", std::process::id()));
    let url = server.url("/");
    let mut tail = start(&["tail", "--record", file.to_str().unwrap(), &url]);
    tail.line_with("alive").await;
    tail.interrupt().await;
    assert_eq!(tail.outcome().await.code(), Some(130));

    let recording = Recording::read(&file).unwrap();
    std::fs::remove_file(file).unwrap();
    assert_eq!(recording.url(), Some(&*url));
    let [exchange] = recording.exchanges() else {
        panic!("{recording}")
    };
    let bytes: Vec<_> = exchange.chunks().iter().map(|it| &*it.bytes).collect();
    assert_eq!(
        bytes,
        [&b"event: tick\nid: 1\ndata: \n\n"[..], b": alive\n\n"]
    );
    assert_eq!(exchange.ending(), &Ending::Open);
}

/// Nobody writes the rest of the file for a process that is killed.
#[tokio::test]
async fn a_recording_of_a_process_that_was_killed_is_whole() {
    let server = mock([Script::new().event(event("tick")).stall()]).await;
    let file = std::env::temp_dir().join(format!("sse-testkit-kill-{}", std::process::id()));
    let url = server.url("/");
    let mut tail = start(&["tail", "--record", file.to_str().unwrap(), &url]);
    tail.line_with("event tick").await;
    assert_eq!(tail.kill().await.code(), None);
    let recording = Recording::read(&file).unwrap();
    std::fs::remove_file(file).unwrap();
    assert_eq!(recording.exchanges()[0].chunks().len(), 1);
}

/// An error without a request has no place in a recording.
#[tokio::test]
async fn a_recording_can_be_read_after_what_can_not_be_asked() {
    // An id that can't be sent back.
    let server = mock([Script::new().retry(ms(1)).raw("id: \u{1b}\n\n")]).await;
    let file = std::env::temp_dir().join(format!("sse-testkit-never-{}", std::process::id()));
    for (url, exchanges) in [(&*server.url("/"), 1), ("ftp://x/", 0)] {
        let outcome = run(&["tail", "--record", file.to_str().unwrap(), url]).await;
        assert_eq!(outcome.code(), Some(2), "{}", outcome.text());
        let recording = Recording::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        assert_eq!(recording.exchanges().len(), exchanges);
    }
}
