//! The output of a child process, line by line: `GET /sse/logs`.
//!
//! [`Running`] runs the command and pumps its output through [`Lines`](lines::Lines) into the
//! [`Log`]. Every client follows the log at its own pace.

mod command;
mod follow;
mod lines;
mod log;

pub use self::{
    command::{Command, Running},
    log::Bounds,
};
pub(crate) use self::{
    follow::stream,
    log::{Counts, Log},
};
