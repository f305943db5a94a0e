//! Whether a connection costs the same among twenty thousand as among one thousand.

use std::process::ExitCode;

use sse_benches::modes::{self, grow::Grow};

fn main() -> ExitCode {
    modes::main::<Grow>()
}
