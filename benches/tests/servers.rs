//! The harness's servers as it runs them. What is measured is comparable only if all of them do the
//! same; where one differs, it is written down here.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]
#![cfg(target_os = "linux")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::TcpStream,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use http::Method;
use rustix::process::{Pid, Signal, kill_process};
use sse_benches::servers::NAMES;
use sse_testkit::RequestBuilder;
use tokio::time::sleep;

/// A server's process. Ended with the test.
struct Server {
    name: &'static str,
    process: Child,
    address: String,
}

impl Server {
    fn start(name: &'static str) -> Self {
        Self::run(
            name,
            Command::new(env!("CARGO_BIN_EXE_serve")),
            &["--port=0"],
        )
    }

    fn run(name: &'static str, mut command: Command, flags: &[&str]) -> Self {
        let mut process = command
            .args(["--serve", name, "--heartbeat-secs", "1"])
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line
            .strip_prefix("listening on http://")
            .unwrap_or_else(|| panic!("{name} said {line:?}"))
            .trim_end()
            .to_owned();
        Self {
            name,
            process,
            address,
        }
    }

    fn all() -> Vec<Self> {
        NAMES.map(|(name, _)| Self::start(name)).into()
    }

    fn get(&self, path: &str) -> RequestBuilder {
        let request = sse_testkit::connect(format!("http://{}{path}", self.address))
            .timeout(Duration::from_secs(20));
        if self.name.ends_with("-h2") {
            request.http2()
        } else {
            request
        }
    }

    async fn publish(&self, text: &str) {
        let request = self.get("/publish").method(Method::POST);
        request.body(text.to_owned()).await.expect_status(204);
    }

    fn id(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    fn open_files(&self) -> usize {
        let files = fs::read_dir(format!("/proc/{}/fd", self.process.id()));
        files.unwrap().count()
    }

    async fn end(mut self) -> ExitStatus {
        let name = self.name;
        until(&format!("the end of {name}"), || {
            self.process.try_wait().unwrap()
        })
        .await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Waits for what `look` finds.
async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_idle_stream_gets_a_heartbeat_after_the_interval() {
    join_all(Server::all().into_iter().map(async |server| {
        // What comes at once, and what comes after a second of silence.
        let (opening, heartbeat) = match server.name {
            "sse-layer" | "sse-layer-h2" => (":\n\n", ":\n\n"),
            // On axum an `Sse` opens before the layer around it has a say in heartbeats.
            "sse-layer-axum" | "sse-layer-serve" => (":\n", ":\n\n"),
            "actix" => (": keep-alive\n\n", ": keep-alive\n\n"),
            _ => ("", ":\n\n"),
        };
        let expected = format!("{opening}{heartbeat}{heartbeat}");
        let mut idle = server.get("/idle").await;
        idle.expect_status(200)
            .expect_header("content-type", "text/event-stream");
        while idle.raw().len() < expected.len() {
            idle.expect_heartbeat().await;
        }
        let name = server.name;
        let sent = String::from_utf8_lossy(idle.raw());
        assert!(sent.starts_with(&expected), "{name} sent {sent:?}");
        let last = idle.chunks().last().unwrap().elapsed;
        assert!(
            last >= Duration::from_millis(1900),
            "{name} sent it at {last:?}"
        );
    }))
    .await;
}

#[tokio::test]
async fn all_send_the_same_ticks_and_end() {
    let ticks = join_all(Server::all().iter().map(async |server| {
        server.get("/tick").await.expect_status(400);
        let mut ticks = server.get("/tick?n=300").await;
        let sent = ticks.collect_to_end().await;
        ticks.expect_end().await;
        sent.into_iter()
            .map(|event| (event.event, event.data))
            .collect::<Vec<_>>()
    }))
    .await;
    let [first, others @ ..] = &ticks[..] else {
        panic!("no servers")
    };
    for (sequence, (event, data)) in first.iter().enumerate() {
        let tick: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!((&**event, &tick["sequence"]), ("message", &sequence.into()));
    }
    assert_eq!(first.len(), 300);
    for (other, (name, _)) in others.iter().zip(&NAMES[1..]) {
        for (sent, expected) in other.iter().zip(first) {
            assert_eq!(sent, expected, "{name}");
        }
        assert_eq!(other.len(), first.len(), "{name}");
    }
}

#[tokio::test]
async fn what_is_published_comes_to_all_who_are_there() {
    join_all(Server::all().into_iter().map(async |server| {
        server.publish("before").await;
        let mut clients = [server.get("/live").await, server.get("/live").await];
        for text in ["{\"price\":12.5}", "two\nlines", "three"] {
            server.publish(text).await;
            for client in &mut clients {
                client.expect_message().text(text).await;
            }
        }
        for client in &mut clients {
            client.expect_heartbeat().await;
        }
    }))
    .await;
}

#[tokio::test]
async fn ours_tell_what_they_count() {
    for name in [
        "sse-layer",
        "sse-layer-axum",
        "sse-layer-serve",
        "sse-layer-h2",
    ] {
        let server = Server::start(name);
        let mut live = server.get("/live").await;
        server.publish("hello").await;
        live.expect_message().text("hello").await;
        let stats: serde_json::Value = server
            .get("/stats")
            .header("accept", "*/*")
            .await
            .body_json()
            .await;
        assert_eq!(stats["connections"], 1, "{stats}");
        assert_eq!(stats["hub"]["subscribers"], 1, "{stats}");
        assert_eq!(stats["hub"]["published"], 1, "{stats}");
    }
}

#[tokio::test]
async fn sigterm_ends_a_server_with_open_streams() {
    join_all(Server::all().into_iter().map(async |server| {
        let _idle = server.get("/idle").await;
        kill_process(server.id(), Signal::TERM).unwrap();
        assert!(server.end().await.success());
    }))
    .await;
}

#[tokio::test]
async fn so_does_the_end_of_its_input() {
    join_all(Server::all().into_iter().map(async |mut server| {
        let _idle = server.get("/idle").await;
        drop(server.process.stdin.take());
        assert!(server.end().await.success());
    }))
    .await;
}

#[tokio::test]
async fn a_server_that_runs_out_of_files_goes_on_when_clients_leave() {
    const FILES: usize = 60;
    join_all(NAMES.map(async |(name, _)| {
        let mut limited = Command::new("sh");
        limited.args(["-c", &format!("ulimit -n {FILES}; exec \"$0\" \"$@\"")]);
        limited.arg(env!("CARGO_BIN_EXE_serve"));
        let server = Server::run(name, limited, &["--port=0"]);
        let clients: Vec<_> = (0..2 * FILES)
            .map(|_| TcpStream::connect(&server.address).unwrap())
            .collect();
        let full = format!("{name} to have no files left");
        until(&full, || (server.open_files() >= FILES).then_some(())).await;
        drop(clients);
        let sent = server.get("/tick?n=1").await.collect_to_end().await;
        assert_eq!(sent.len(), 1, "{name}");
    }))
    .await;
}

#[tokio::test]
async fn a_port_is_shared_only_if_asked() {
    let serve = || Command::new(env!("CARGO_BIN_EXE_serve"));
    let first = Server::run("hyper", serve(), &["--port=0", "--shared-port"]);
    let (_, port) = first.address.rsplit_once(':').unwrap();
    let port = format!("--port={port}");
    let second = Server::run("axum", serve(), &[&port, "--shared-port"]);
    assert_eq!(second.address, first.address);
    let output = serve().args(["actix", &port]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("error: can't listen on "), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_server_that_is_not_there_is_said() {
    let mut process = Command::new(env!("CARGO_BIN_EXE_serve"))
        .args(["--serve", "nginx"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let stderr = process.stderr.as_mut().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(2));
    assert!(said.contains("sse-layer-axum"), "{said}");
}
