//! What nodes cost that share an engine, Redis or NATS, beside the engine alone.

use std::process::ExitCode;

use sse_benches::modes::{self, nodes::Nodes};

fn main() -> ExitCode {
    modes::main::<Nodes>()
}
