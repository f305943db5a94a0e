//! How a command ends, and the status that scripts see.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// Why a command is over.
#[derive(Debug)]
pub(crate) enum Ending {
    /// All is as it was asked for: 0.
    Done,
    /// The stream did not do what was asked for: 1.
    Failed(String),
    /// The output says what is wrong with the server: 1.
    Found,
    /// What was asked for can't be done: 2, as for arguments that are wrong.
    CannotBegin(String),
    /// Ctrl-C: 130, as a shell has it.
    Interrupted,
}

impl Ending {
    pub(crate) fn cannot_begin(what: impl fmt::Display, error: impl fmt::Display) -> Self {
        Self::CannotBegin(format!("{what}: {error}"))
    }

    /// What an output that can't be written means. A reader that has seen enough, such as `head`,
    /// is no fault.
    pub(crate) fn of_output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Done,
            _ => Self::Failed(format!("can't write: {error}")),
        }
    }

    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Done => ExitCode::SUCCESS,
            Self::Found => ExitCode::from(1),
            Self::Failed(reason) => {
                eprintln!("sse-testkit: {reason}");
                ExitCode::from(1)
            }
            Self::CannotBegin(reason) => {
                eprintln!("sse-testkit: {reason}");
                ExitCode::from(2)
            }
            Self::Interrupted => ExitCode::from(130),
        }
    }
}
