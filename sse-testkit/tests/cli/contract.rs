//! `sse-testkit contract`: what it writes, and its exit status.

use std::convert::Infallible;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};
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
        out.contains("      mend  Send an id with each event that a client should not miss.\n"),
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
    let cases: [(&[&str], &str); 8] = [
        (&["contract", &url], "can't connect to 127.0.0.1:"),
        (
            &["contract", "ftp://example.org/"],
            "is not an http:// or https:// URL",
        ),
        (&["contract", "localhost:port/"], "has a port that is none"),
        (&["contract", "localhost:99999/"], "has a port that is none"),
        (
            &["contract", &url, "--post", "/no/such/file"],
            "can't read /no/such/file",
        ),
        (
            &["contract", &url, "--heartbeat", "soon"],
            "a time is a number and a unit",
        ),
        (
            &["contract", &url, "--allow", "heads"],
            r#"there is no check "heads" that could be allowed to fail"#,
        ),
        (
            &["contract", &url, "-H", "none"],
            "a header is 'name: value'",
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

#[test]
fn http_may_be_left_out_of_an_address() {
    let app = Router::new()
        .route("/events", get(events))
        .route("/stats", get(async || r#"{"open": 0}"#));
    let url = serve(app);
    let address = url.trim_start_matches("http://");
    let (events, stats) = (format!("{address}/events"), format!("{address}/stats"));
    let output = run(&[
        "contract",
        &events,
        "--observe",
        "100ms",
        "--stats",
        &stats,
        "--stats-pointer",
        "/open",
    ]);
    let out = text(&output.stdout);
    assert!(
        out.starts_with(&format!("{url}/events (HTTP/1.1)")),
        "{out}"
    );
    let counted = "2 streams were opened, the count went from 0 to 0";
    assert!(out.contains(counted), "{out}");
}

#[test]
fn colour_can_be_had_without_a_terminal() {
    let url = serve(Router::new().route("/events", get(events))) + "/events";
    let args = ["--color", "always", "--observe", "100ms"];
    let output = run(&[&["contract", &url], &args[..]].concat());
    let out = text(&output.stdout);
    assert!(out.contains("\x1b[32mpass \x1b[0m status"), "{out:?}");
}

#[test]
fn a_failure_that_is_allowed_is_a_warning() {
    let url = serve(Router::new().route("/events", get(events))) + "/events";
    let args = ["contract", &url, "--observe", "100ms", "--retry", "7s"];
    let output = run(&args);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let output = run(&[&args[..], &["--allow", "retry", "--allow", "head"]].concat());
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{out}");
    assert!(out.contains("warn  retry "), "{out}");
    assert!(out.contains("saw   allowed: "), "{out}");
}

#[test]
fn a_reader_that_has_seen_enough_does_not_change_the_result() {
    let url = serve(Router::new().route("/events", get(events))) + "/events";
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sse-testkit"));
        command
            .args(["contract", &url, "--observe", "100ms"])
            .args(args);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        child.wait_with_output().unwrap()
    };
    for (args, status) in [
        (&[][..], 0),
        (&["--resumable"][..], 1),
        (&["--json"][..], 0),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(status), "{args:?}");
        assert_eq!(text(&output.stderr), "");
    }
}

/// On a terminal of its own, by util-linux.
#[cfg(target_os = "linux")]
mod on_a_terminal {
    use super::*;

    /// What the terminal gets.
    fn shown(command: &str) -> String {
        let mut script = Command::new("script");
        script.args(["-qec", command, "/dev/null"]);
        script.env_remove("NO_COLOR").env("TERM", "xterm");
        let output = script.stdin(Stdio::null()).output().unwrap();
        text(&output.stdout).to_owned()
    }

    fn command(url: &str) -> String {
        let program = env!("CARGO_BIN_EXE_sse-testkit");
        format!("{program} contract {url} --observe 700ms")
    }

    /// A line is cleared by going to its beginning, and clearing it.
    const CLEAR: &str = "\r\x1b[2K";

    fn url() -> String {
        serve(Router::new().route("/events", get(events))) + "/events"
    }

    #[test]
    fn there_are_colours_and_a_line_that_goes_when_the_report_comes() {
        let url = url();
        let shown = shown(&command(&url));
        let (waiting, report) = shown.split_once(&url).unwrap();
        assert!(waiting.contains("/24 checks, 0s of about 1s"), "{shown:?}");
        assert!(waiting.ends_with(CLEAR), "{shown:?}");
        assert!(report.contains("\x1b[32mpass \x1b[0m status"), "{shown:?}");
        assert!(!report.contains(CLEAR), "{shown:?}");
    }

    #[test]
    fn no_color_is_honoured() {
        let shown = shown(&format!("NO_COLOR=1 {}", command(&url())));
        assert!(shown.contains("pass  status"), "{shown:?}");
        assert!(shown.contains(CLEAR), "{shown:?}");
        let shown = super::on_a_terminal::shown(&format!("TERM=dumb {}", command(&url())));
        assert!(shown.contains("pass  status"), "{shown:?}");
        assert!(!shown.contains('\x1b'), "{shown:?}");
    }

    #[test]
    fn an_interrupted_run_leaves_no_line_and_exits_with_130() {
        let command = format!("timeout --foreground -s INT 0.5 {}", command(&url()));
        let shown = shown(&format!("{command}; echo status $?"));
        assert!(shown.contains("/24 checks"), "{shown:?}");
        let last = shown.rsplit(CLEAR).next().unwrap();
        // `timeout` tells by 124 that it had to.
        assert_eq!(last, "status 124\r\n", "{shown:?}");
    }
}
