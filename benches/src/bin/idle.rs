//! What a connection costs that is open and quiet.

use std::process::ExitCode;

use sse_benches::modes::{self, idle::Idle};

fn main() -> ExitCode {
    modes::main::<Idle>()
}
