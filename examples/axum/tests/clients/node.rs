//! Packages of Node's.

use tokio::process::Command;

use crate::{
    is_left_out,
    process::{assert_installed, installed, lines, script},
    script::{NAMES, Seen},
};

const SKIP: &str = "SSE_SKIP_NODE";

/// What a package that is an `EventSource` sees of a stream until it is stopped. `None` where Node
/// is left out.
pub(crate) async fn event_source(package: &str, url: &str) -> Option<Vec<Seen>> {
    let mut node = node("node/eventsource.cjs")?;
    node.args([package, url]).args(NAMES);
    Some(lines(node, MISSING).await)
}

/// What `eventsource-parser` sees, with `fetch`.
pub(crate) async fn parser(url: &str) -> Option<Vec<Seen>> {
    let mut node = node("node/parser.cjs")?;
    node.arg(url);
    Some(lines(node, MISSING).await)
}

const MISSING: &str = "node can't be started: install it (Debian: nodejs and npm), or set \
                       SSE_SKIP_NODE to do without these tests";

fn node(name: &str) -> Option<Command> {
    if is_left_out(SKIP) {
        return None;
    }
    assert_installed("node", SKIP);
    let mut node = Command::new("node");
    node.arg(script(name))
        .env("NODE_PATH", installed("node").join("node_modules"));
    Some(node)
}
