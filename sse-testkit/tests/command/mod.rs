//! The command `sse-testkit`, run as a process.

use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// A process that is killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// What a process has left.
pub(crate) struct Outcome {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    pub(crate) status: ExitStatus,
}

pub(crate) fn start(args: &[&str]) -> Running {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sse-testkit"))
        .args(args)
        .env_remove("NO_COLOR")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    Running {
        child,
        lines: BufReader::new(stdout).lines(),
    }
}

/// Runs it to its end.
pub(crate) async fn run(args: &[&str]) -> Outcome {
    start(args).outcome().await
}

impl Running {
    /// The next line that has this in it; those before are passed.
    pub(crate) async fn line_with(&mut self, text: &str) -> String {
        loop {
            let line = self.lines.next_line().await.unwrap();
            let line = line.unwrap_or_else(|| panic!("the output ends without {text:?}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// What Ctrl-C does.
    pub(crate) async fn interrupt(&self) {
        let id = self.child.id().unwrap().to_string();
        let kill = Command::new("kill").args(["-INT", &id]).status();
        assert!(kill.await.unwrap().success());
    }

    /// What nothing can be done about.
    pub(crate) async fn kill(mut self) -> ExitStatus {
        self.child.start_kill().unwrap();
        self.child.wait().await.unwrap()
    }

    /// The rest of the output, and how it ended.
    pub(crate) async fn outcome(mut self) -> Outcome {
        let mut reader = self.lines.into_inner();
        let mut stderr = self.child.stderr.take().unwrap();
        let (mut out, mut err) = (Vec::new(), String::new());
        let (read_out, read_err, status) = tokio::join!(
            reader.read_to_end(&mut out),
            stderr.read_to_string(&mut err),
            self.child.wait(),
        );
        read_out.unwrap();
        read_err.unwrap();
        Outcome {
            stdout: out,
            stderr: err,
            status: status.unwrap(),
        }
    }

    /// Closes the end of the pipe that it writes to.
    pub(crate) async fn close_output(mut self) -> ExitStatus {
        drop(self.lines);
        self.child.wait().await.unwrap()
    }
}

impl Outcome {
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).unwrap()
    }

    /// The output without the columns of the times, and without the server's port.
    pub(crate) fn without_times(&self) -> String {
        let lines = self.text();
        let lines: Vec<_> = lines.lines().map(without_time).collect();
        let text = lines.join("\n");
        let port = regex_lite::Regex::new(r"127\.0\.0\.1:\d+").unwrap();
        port.replace_all(&text, "127.0.0.1:PORT").into_owned()
    }
}

/// The first two columns are 22 characters wide: a time, and a pause where there is one.
fn without_time(line: &str) -> String {
    let (times, text) = line.split_at(line.len().min(22));
    for time in times.split_whitespace() {
        let number: f64 = time.trim_start_matches('+').parse().unwrap();
        assert!((0.0..60.0).contains(&number), "{line}");
    }
    text.to_owned()
}
