//! `sse-testkit contract`: what it writes, and its exit status.

use std::convert::Infallible;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::{get, post};
use futures_util::{Stream, StreamExt as _, stream};

use super::{run, text};

/// Serves this for as long as the test runs; returns where.
fn serve(app: Router) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
    });
    format!("http://{address}")
}

async fn events() -> (
    [(&'static str, &'static str); 2],
    Sse<impl Stream<Item = Result<Event, Infallible>>>,
) {
    let hello = Event::default().data("hello").retry(Duration::from_secs(3));
    let hello = stream::iter([Ok(hello)]).chain(stream::pending());
    let heartbeat = KeepAlive::new().interval(Duration::from_millis(100));
    let headers = [
        ("cache-control", "no-cache, no-transform"),
        ("x-accel-buffering", "no"),
    ];
    (headers, Sse::new(hello).keep_alive(heartbeat))
}

async fn needs_headers(headers: HeaderMap, body: String) -> String {
    assert_eq!(body, "[1]");
    assert_eq!(headers["x-one"], "1");
    assert_eq!(headers["content-type"], "application/json");
    "no stream".to_owned()
}

#[test]
fn a_good_server_is_told_in_a_table_and_exits_with_0() {
    let url = serve(Router::new().route("/events", get(events))) + "/events";
    let output = run(&[
        "contract",
        &url,
        "--observe",
        "300ms",
        "--heartbeat",
        "150ms",
    ]);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{out}{err}");
    assert!(
        out.starts_with(&format!("{url} (HTTP/1.1)\n\npass  status ")),
        "{out}"
    );
    assert!(out.contains("\npass  heartbeat "), "{out}");
    assert!(out.contains(" passed, 0 failed, 0 warned, "), "{out}");
    // Colours and the progress line are for terminals.
    assert!(!out.contains('\x1b'), "{out:?}");
    assert_eq!(err, "");
}

#[test]
fn what_is_expected_and_missing_exits_with_1() {
    let url = serve(Router::new().route("/events", get(events))) + "/events";
    let output = run(&["contract", &url, "--observe", "200ms", "--resumable"]);
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{out}");
    assert!(out.contains("\nFAIL  ids "), "{out}");
    assert!(
        out.contains("      saw   1 of 1 events have no id\n"),
        "{out}"
    );
    assert!(
        out.contains("      mend  Send an id with each event.\n"),
        "{out}"
    );
}

#[test]
fn json_is_for_programs() {
    let url = serve(Router::new().route("/events", get(events))) + "/events";
    let output = run(&["contract", &url, "--observe", "200ms", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert_eq!(report["target"], format!("{url} (HTTP/1.1)"));
    assert_eq!(report["error"], serde_json::Value::Null);
    let first = &report["findings"][0];
    assert_eq!(
        (&first["id"], &first["outcome"]),
        (&"status".into(), &"pass".into())
    );
    assert!(first["source"].as_str().unwrap().starts_with("https://"));
    assert!(report["elapsed_ms"].as_u64().unwrap() >= 200);
}

#[test]
fn a_file_is_posted_with_the_headers() {
    let url = serve(Router::new().route("/", post(needs_headers))) + "/";
    let file = std::env::temp_dir().join(format!("sse-testkit-{}.json", std::process::id()));
    std::fs::write(&file, "[1]").unwrap();
    let post = file.to_str().unwrap();
    let output = run(&["contract", &url, "--post", post, "-H", "X-One: 1"]);
    std::fs::remove_file(&file).unwrap();
    let out = text(&output.stdout);
    assert!(out.starts_with(&format!("POST {url}")), "{out}");
    assert!(
        out.contains("saw   content-type \"text/plain; charset=utf-8\""),
        "{out}"
    );
    assert_eq!(output.status.code(), Some(1), "{out}");
}

#[test]
fn what_can_not_be_run_exits_with_2_and_says_why() {
    // A port that was free a moment ago.
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/", free.local_addr().unwrap());
    drop(free);
    let cases: [(&[&str], &str); 5] = [
        (&["contract", &url], "can't connect to 127.0.0.1:"),
        (
            &["contract", "ftp://example.org/"],
            "is not an http:// or https:// URL",
        ),
        (
            &["contract", &url, "--post", "/no/such/file"],
            "can't read /no/such/file",
        ),
        (
            &["contract", &url, "--heartbeat", "20"],
            "write a time as 500ms, 20s or 2m",
        ),
        (
            &["contract", &url, "-H", "none"],
            "write a header as 'name: value'",
        ),
    ];
    for (args, reason) in cases {
        let output = run(args);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(2), "{args:?}: {out}{err}");
        assert!(err.contains(reason), "{args:?}: {err}");
        assert_eq!(out, "", "{args:?}");
    }
}
