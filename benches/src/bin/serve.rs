//! One of the harness's servers, by itself:
//! `cargo run --release -p sse-benches --bin serve -- axum --port 3000 --heartbeat-secs 15`.

use std::process::ExitCode;

use sse_benches::servers;

fn main() -> ExitCode {
    servers::serve_if_asked();
    servers::serve_as_told()
}
