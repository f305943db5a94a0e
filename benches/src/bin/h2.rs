//! What a quiet stream costs that shares its connection with many, over HTTP/2.

use std::process::ExitCode;

use sse_benches::modes::{self, h2::H2};

fn main() -> ExitCode {
    modes::main::<H2>()
}
