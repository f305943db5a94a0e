//! Starting the program, for the tests that need it whole.
#![allow(dead_code, reason = "each of them needs a part of this")]

use std::{
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_example-axum");

/// Longer than anything here takes, even on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The program, on a free port. It is killed when it is dropped.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: String,
}

impl Server {
    pub(crate) async fn start(args: &[&str]) -> Self {
        let mut child = program(&["--addr", "127.0.0.1:0"])
            .args(args)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        timeout(PATIENCE, stdout.read_line(&mut line))
            .await
            .unwrap()
            .unwrap();
        let address = line
            .strip_prefix("listening on http://")
            .and_then(|line| line.strip_suffix('\n'))
            .unwrap_or_else(|| panic!("said {line:?}"));
        Self {
            child,
            address: address.to_owned(),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Asks it to end, with the signal of this name.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().await;
        assert!(status.unwrap().success());
    }

    pub(crate) async fn exit_status(mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap()
    }
}

pub(crate) fn program(args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}
