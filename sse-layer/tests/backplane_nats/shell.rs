//! The command lines of the documentation, run as they are.

use std::process::Command;

use sse_layer::backplane::Backplane;

use crate::{
    engines,
    node::{Node, Told},
};

/// The page that tells the wire format.
const PAGE: &str = include_str!("../../src/backplane/nats/wire.md");

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_publishes_as_the_documentation_tells() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let node = Node::at(&server).await;
    node.listen("news").await.unwrap();
    let script = PAGE.split("```bash\n").nth(1).unwrap();
    let script = script.split("```").next().unwrap();
    for _ in 0..2 {
        let output = Command::new("bash")
            .args(["-c", script])
            .env("NATS_PORT", server.addr().port().to_string())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    // The second is known by its id.
    let last = node.put("news", "last").await.unwrap();
    node.seen
        .until(|told| {
            matches!(told.last(), Some(Told::Message(_, _, stored)) if stored.sequence == last.sequence)
        })
        .await;
    let frame = "event: headline\ndata: It rains\n\n";
    assert_eq!(node.seen.frames("news"), [frame, "last"]);
    assert_eq!(node.kept("news").await, [frame, "last"]);
}
