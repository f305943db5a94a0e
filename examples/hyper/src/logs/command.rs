//! The child process.

use std::{ffi::OsString, io, pin::pin, process::Stdio, time::Duration};

use futures_util::FutureExt as _;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    join,
    process::Child,
    select,
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use super::{
    lines::Lines,
    log::{Log, Output},
};

/// The longest line that is passed on whole, in bytes.
const MAX_LINE: usize = 64 * 1024;

/// What a process is given to end by itself.
const GRACE: Duration = Duration::from_secs(2);

const DEFAULT: &str = r#"
n=0
while :; do
  n=$((n + 1))
  if [ $((n % 5)) = 0 ]; then echo "warning $n" >&2; else echo "line $n"; fi
  sleep 1
done
"#;

/// What to run.
#[derive(Clone, Debug)]
pub struct Command {
    program: OsString,
    arguments: Vec<OsString>,
}

impl Command {
    /// A program and its arguments; `None` for nothing.
    pub fn new<I>(words: I) -> Option<Self>
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let mut words = words.into_iter().map(Into::into);
        Some(Self {
            program: words.next()?,
            arguments: words.collect(),
        })
    }
}

impl Default for Command {
    /// A line a second, every fifth of them to standard error.
    fn default() -> Self {
        Self {
            program: "sh".into(),
            arguments: vec!["-c".into(), DEFAULT.into()],
        }
    }
}

/// The command while it runs.
#[derive(Debug)]
pub struct Running {
    /// Dropped, it stops the command as well.
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) fn start(command: Command, log: Log) -> io::Result<Self> {
        let Command { program, arguments } = command;
        let mut command = tokio::process::Command::new(&program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // A group of its own: so that what it starts itself ends with it, and a Ctrl-C at the
        // terminal is the server's alone.
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn().map_err(|error| {
            let program = program.to_string_lossy();
            io::Error::new(error.kind(), format!("can't run {program}: {error}"))
        })?;
        let (stop, stopped) = oneshot::channel();
        Ok(Self {
            stop,
            task: tokio::spawn(run(Group(child), log, stopped)),
        })
    }

    /// Ends the command and what it has started, if it has not ended yet.
    pub async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the command's task failed");
        }
    }
}

/// A process and what it has started. Dropped before its end, it is killed.
struct Group(Child);

/// Passes the output on to its end, and the end.
async fn run(mut group: Group, log: Log, stopped: oneshot::Receiver<()>) {
    let (stdout, stderr) = (group.0.stdout.take(), group.0.stderr.take());
    let output = async {
        join!(
            pump(Output::Stdout, stdout, &log),
            pump(Output::Stderr, stderr, &log),
        )
    };
    let mut output = pin!(output.fuse());
    let ended = select! {
        ended = async {
            (&mut output).await;
            group.0.wait().await
        } => ended,
        _ = stopped => {
            group.signal(Signal::Terminate);
            // Waited for only behind this: until then its process id stays its own.
            let _ = timeout(GRACE, output).await;
            group.signal(Signal::Kill);
            group.0.wait().await
        }
    };
    match ended {
        Ok(status) => {
            tracing::info!(%status, "the command has ended");
            log.end(status);
        }
        Err(error) => tracing::error!(%error, "the command can't be waited for"),
    }
}

async fn pump<P>(output: Output, pipe: Option<P>, log: &Log)
where
    P: AsyncRead + Unpin,
{
    let Some(mut pipe) = pipe else { return };
    let mut buffer = vec![0; 16 * 1024];
    let mut lines = Lines::new(MAX_LINE);
    loop {
        match pipe.read(&mut buffer).await {
            Ok(0) => break,
            Ok(read) => lines.feed(&buffer[..read], |line| log.push(output, line)),
            Err(error) => {
                tracing::error!(%error, "the command's output can't be read");
                break;
            }
        }
    }
    if let Some(line) = lines.finish() {
        log.push(output, line);
    }
}

#[derive(Clone, Copy)]
enum Signal {
    Terminate,
    Kill,
}

impl Group {
    /// One that has gone has nothing to be told.
    #[cfg(unix)]
    fn signal(&mut self, signal: Signal) {
        use rustix::process::{Pid, Signal as Unix, kill_process_group};

        // There is no id any more once it was waited for.
        let id = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(Pid::from_raw) {
            let signal = match signal {
                Signal::Terminate => Unix::TERM,
                Signal::Kill => Unix::KILL,
            };
            let _ = kill_process_group(group, signal);
        }
    }

    /// There is no asking it: the child ends at once.
    #[cfg(not(unix))]
    fn signal(&mut self, _: Signal) {
        let _ = self.0.start_kill();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::Kill);
    }
}
