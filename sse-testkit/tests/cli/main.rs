//! The command line, run as a process.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]

mod contract;

use std::process::{Command, Output};

/// Runs the program, with what it writes to no terminal.
fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sse-testkit"));
    command.args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
