//! What it costs to send one event to many, and how long it takes until all have it.

use std::process::ExitCode;

use sse_benches::modes::{self, fanout::Fanout};

fn main() -> ExitCode {
    modes::main::<Fanout>()
}
