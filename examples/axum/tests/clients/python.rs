//! Packages of Python's.

use serde_json::Value;
use tokio::process::Command;

use crate::{
    is_left_out,
    process::{assert_installed, installed, lines, script},
    script::Seen,
};

const SKIP: &str = "SSE_SKIP_PYTHON";

/// What `httpx-sse` sees of a stream until it is stopped. `None` where Python is left out.
pub(crate) async fn httpx_sse(url: &str) -> Option<Vec<Seen>> {
    let mut python = python("python/read_httpx_sse.py")?;
    python.arg(url);
    Some(lines(python, MISSING).await)
}

/// What becomes of a request for a chat completion with the `openai` package.
pub(crate) async fn chat(server: &str, request: &Value) -> Option<Vec<Value>> {
    let mut python = python("python/chat.py")?;
    python.arg(server).arg(request.to_string());
    Some(lines(python, MISSING).await)
}

const MISSING: &str = "python can't be started: install it (Debian: python3-venv), or set \
                       SSE_SKIP_PYTHON to do without these tests";

fn python(name: &str) -> Option<Command> {
    if is_left_out(SKIP) {
        return None;
    }
    assert_installed("python", SKIP);
    let mut python = Command::new(installed("python").join("bin/python"));
    python.arg(script(name)).env("NO_PROXY", "*");
    Some(python)
}
