//! Clients that people use, reading our streams: a browser, packages of Node's and Python's, a crate.
//!
//! The testkit reads a stream to the letter of the standard, which not all of them do. Here they
//! show what they make of it, and where they differ, that is a test too, and says what a server
//! can do about it.
//!
//! What the clients are made of is installed by `.ci/test`. A test whose client is missing fails
//! and says what to install; `SSE_SKIP_BROWSER`, `SSE_SKIP_NODE` and `SSE_SKIP_PYTHON` leave them
//! out.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on should say where"
)]

mod browser;
mod crates;
mod node;
mod process;
mod python;

mod script;
mod server;
mod watch;

#[path = "../program/mod.rs"]
mod program;
mod relay;

mod agree;
mod openai;
mod page;

use self::program::PATIENCE;

/// Whether this variable says to do without a client.
fn is_left_out(skip: &str) -> bool {
    let is_left_out = std::env::var_os(skip).is_some();
    if is_left_out {
        eprintln!("skipped, since {skip} is set");
    }
    is_left_out
}
