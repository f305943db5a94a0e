//! Whether those who have left leave something behind.

use std::process::ExitCode;

use sse_benches::modes::{self, churn::Churn};

fn main() -> ExitCode {
    modes::main::<Churn>()
}
