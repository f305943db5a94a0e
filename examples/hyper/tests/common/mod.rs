//! What the tests share.

#![allow(dead_code, reason = "each test uses its part of it")]

use std::time::{Duration, Instant};

use example_hyper::{App, Command};
use sse_testkit::RequestBuilder;

/// A command in the shell.
pub(crate) fn shell(script: &str) -> Command {
    Command::new(["sh", "-c", script]).unwrap()
}

/// A client of the log. The command runs in real time, so the client waits in it.
pub(crate) fn follow(app: &App) -> RequestBuilder {
    sse_testkit::get(app.service::<sse_testkit::Body>(), "/sse/logs").real_time()
}

/// Waits until there is no such process, or nothing left of it but its exit status.
pub(crate) async fn expect_gone(process: &str) {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let ps = tokio::process::Command::new("ps")
            .args(["-o", "stat=", "-p", process])
            .output()
            .await
            .unwrap();
        let state = String::from_utf8(ps.stdout).unwrap();
        if state.is_empty() || state.starts_with('Z') {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "process {process} still runs: {state}"
        );
    }
}
