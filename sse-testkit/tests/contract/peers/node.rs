//! Node's better-sse, run as a process.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::outcomes;

const INSTALL: &str = "install Node.js 18 or later with npm (Debian: nodejs npm), or set \
                       SSE_SKIP_NODE to leave this test out";

/// Ends with the test, whose end of the pipe it reads.
struct Node {
    process: Child,
    port: String,
}

impl Node {
    fn start(folder: &Path) -> Self {
        let mut node = Command::new("node");
        node.arg("server.mjs").current_dir(folder);
        node.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = node
            .spawn()
            .unwrap_or_else(|error| panic!("{error}: {INSTALL}"));
        let mut port = String::new();
        let out = process.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut port).unwrap();
        let port = port.trim().to_owned();
        assert!(!port.is_empty(), "node said no port");
        Self { process, port }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Installs better-sse into the target folder, as the lock file has it.
fn installed() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/peers/better-sse");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("better-sse");
    std::fs::create_dir_all(&folder).unwrap();
    let mut is_new = !folder.join("node_modules/better-sse").exists();
    for name in ["package.json", "package-lock.json", "server.mjs"] {
        let text = std::fs::read(source.join(name)).unwrap();
        is_new |= std::fs::read(folder.join(name)).ok().as_ref() != Some(&text);
        std::fs::write(folder.join(name), text).unwrap();
    }
    if is_new {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--silent", "--no-audit", "--ignore-scripts"]);
        let status = npm.current_dir(&folder).status();
        let status = status.unwrap_or_else(|error| panic!("{error}: {INSTALL}"));
        assert!(
            status.success(),
            "npm ci failed in {}: {INSTALL}",
            folder.display()
        );
    }
    folder
}

#[tokio::test]
async fn nodes_better_sse() {
    if std::env::var_os("SSE_SKIP_NODE").is_some() {
        return;
    }
    let node = Node::start(&installed());
    let base = format!("http://127.0.0.1:{}", node.port);
    insta::assert_snapshot!("better-sse", outcomes(&base).await);
}
