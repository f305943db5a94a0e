//! How fast one connection is, flat out.

use std::process::ExitCode;

use sse_benches::modes::{self, stream::Stream};

fn main() -> ExitCode {
    modes::main::<Stream>()
}
