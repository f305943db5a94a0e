use std::{
    env,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::{load::Target, measure::Process, modes::subject::first_line};

/// A node of the measured kind, in a process of its own, which ends with this.
#[derive(Debug)]
pub(super) struct Node {
    child: Child,
    target: Target,
    process: Process,
}

impl Node {
    /// Starts it and waits until it listens.
    pub(super) fn start(engine: &str, history: usize) -> Result<Self, String> {
        let failed = |what: &dyn std::fmt::Display| format!("a node: {what}");
        let program = env::current_exe().map_err(|error| failed(&error))?;
        let mut child = Command::new(program)
            .args(["--node", engine, "--history", &history.to_string()])
            // Open for as long as it shall run.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(&error))?;
        let line = child.stdout.take().and_then(first_line);
        let listening = || {
            let line = line.ok_or_else(|| failed(&"it did not come up"))?;
            let url = line.trim().strip_prefix("listening on ");
            let url = url.ok_or_else(|| failed(&format!("it said {line:?}")))?;
            Ok::<_, String>((url.parse()?, Process::new(child.id())?))
        };
        match listening() {
            Ok((target, process)) => Ok(Self {
                child,
                target,
                process,
            }),
            Err(error) => {
                end(&mut child);
                Err(error)
            }
        }
    }

    /// Where a topic is to be asked for.
    pub(super) fn topic(&self, topic: &str) -> Target {
        self.target.at(&format!("/live?topic={topic}"))
    }

    pub(super) const fn process(&self) -> Process {
        self.process
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// It has nothing to lose: what it holds, the engine has.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// How long all these processes have run on a core.
pub(super) fn cpu(processes: impl IntoIterator<Item = Process>) -> Result<Duration, String> {
    processes
        .into_iter()
        .map(|process| {
            process.cpu().map_err(|error| {
                format!(
                    "process {} can't be measured any more: {error}",
                    process.pid()
                )
            })
        })
        .sum()
}
