//! The server as it is run: over sockets, to its end.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]
#![cfg(unix)]

mod common;

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use insta::{allow_duplicates, assert_snapshot};
use rustix::process::{Pid, Signal, kill_process};
use sse_testkit::RequestBuilder;

/// The server's process. Ended with the test.
struct Server {
    process: Option<Child>,
    id: Pid,
    url: String,
}

impl Server {
    fn run(flags: &[&str], script: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_example-hyper"))
            .args(["--addr", "127.0.0.1:0"])
            .args(flags)
            .args(["--", "sh", "-c", script])
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let url = line
            .strip_prefix("listening on ")
            .unwrap()
            .trim_end()
            .to_owned();
        Self {
            id: Pid::from_child(&process),
            process: Some(process),
            url,
        }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        sse_testkit::connect(format!("{}{path}", self.url))
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.id, signal).unwrap();
    }

    async fn ends_within(mut self, limit: Duration) -> ExitStatus {
        tokio::task::spawn_blocking(move || self.wait(limit))
            .await
            .unwrap()
            .unwrap_or_else(|| panic!("the server did not end within {limit:?}"))
    }

    fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let (process, id) = (self.process.take()?, self.id);
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut process = process;
            sender.send(process.wait().unwrap())
        });
        receiver
            .recv_timeout(limit)
            .inspect_err(|_| kill_process(id, Signal::KILL).unwrap())
            .ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.process.is_some() {
            // Asked and not killed, since then it could not end its command.
            let _ = kill_process(self.id, Signal::TERM);
            self.wait(Duration::from_secs(10));
        }
    }
}

#[tokio::test]
async fn http_1_and_http_2_send_the_same_on_one_port() {
    let server = Server::run(&[], "echo one; echo two; exit 7");
    for http2 in [false, true] {
        let request = server.get("/sse/logs");
        let mut logs = if http2 {
            request.http2().await
        } else {
            request.await
        };
        logs.collect_to_end().await;
        let transcript = logs
            .transcript()
            .without_times()
            .redact_header("date", "[date]")
            .to_string();
        // HTTP/1.1 says how it tells the body's end; HTTP/2 has that built in.
        let transcript = transcript.replace("transfer-encoding: chunked\n", "");
        allow_duplicates! {
            assert_snapshot!(transcript);
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_gives_its_place_back() {
    let server = Server::run(&["--max-connections", "1"], "sleep 1000");
    let mut first = server.get("/sse/time").await;
    first.expect_event("time").await;
    server.get("/sse/time").http2().await.expect_status(429);
    first.close();
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let mut stats = server.get("/sse/stats").await;
        let stats: serde_json::Value = stats.body_json().await;
        if stats["connections"] == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "{stats}");
    }
    server.get("/sse/time").http2().await.expect_status(200);
}

#[tokio::test]
async fn sigterm_ends_open_streams_the_command_and_the_server() {
    ends_in_order(Signal::TERM).await;
}

#[tokio::test]
async fn so_does_ctrl_c() {
    ends_in_order(Signal::INT).await;
}

async fn ends_in_order(signal: Signal) {
    let server = Server::run(
        &["--heartbeat", "0.5"],
        "sleep 1000 & echo $!; echo $$; wait",
    );
    let mut logs = server.get("/sse/logs").await;
    let mut time = server.get("/sse/time").http2().await;
    let started = logs.collect(2).await;
    time.expect_event("time").await;
    server.signal(signal);
    let farewell = async |stream: &mut sse_testkit::EventStream| {
        let events = stream.collect_to_end().await;
        assert_eq!(events.last().map(|event| &*event.event), Some("bye"));
        let retry = stream.retry();
        assert!(retry >= Duration::from_secs(1) && retry <= Duration::from_secs(5));
    };
    farewell(&mut logs).await;
    farewell(&mut time).await;
    let status = server.ends_within(Duration::from_secs(5)).await;
    assert_eq!(status.code(), Some(0));
    for process in started {
        common::expect_gone(&process.data).await;
    }
}

#[test]
fn an_address_in_use_and_a_command_that_is_not_there_are_said_and_end_with_1() {
    let server = Server::run(&[], "sleep 1000");
    let taken = server.url.strip_prefix("http://").unwrap();
    for (arguments, expected) in [
        (vec!["--addr", taken], "error: can't listen on "),
        (
            vec!["--addr", "127.0.0.1:0", "--", "/no/such/command"],
            "error: can't run /no/such/command: ",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_example-hyper"))
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with(expected), "{said}");
        assert!(output.stdout.is_empty());
    }
}
