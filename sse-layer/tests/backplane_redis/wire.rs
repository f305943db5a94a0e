//! Publishing without a node, as the docs tell.

use std::fs;

use sse_layer::backplane::redis::Redis;

use super::{
    engines,
    node::{Node, text},
};

const DOCS: &str = include_str!("../../src/backplane/redis/wire.md");

/// The last command of the docs.
fn command() -> &'static str {
    let block = DOCS.rsplit("```sh\n").next().unwrap();
    block.split("```").next().unwrap()
}

#[tokio::test]
async fn a_shell_publishes_and_a_node_is_handed_it() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    fs::write(server.folder().join("publish.lua"), Redis::PUBLISH_SCRIPT).unwrap();
    // There is no epoch yet: the shell's is taken.
    let answer = server.shell(command());
    let answer: Vec<_> = answer.lines().collect();
    let [epoch, sequence, known] = answer[..] else {
        panic!("{answer:?}");
    };
    let sequence: u64 = sequence.parse().unwrap();
    assert_eq!((u64::from_str_radix(epoch, 16).is_ok(), known), (true, "0"));
    let node = Node::at(&server.url()).await;
    node.listen("prices").await;
    let frame = "event: tick\ndata: {\"price\":42}\n\n";
    assert_eq!(node.texts("prices", 0).await, [frame]);
    let place = node.publish("prices", "data: by a node\n\n").await;
    assert_eq!(format!("{:016x}", place.epoch), epoch);
    server.shell(command());
    let handed = node.messages(2).await;
    assert_eq!(handed[0].2.previous, sequence);
    let (topic, epoch, message) = &handed[1];
    assert_eq!((topic.as_str(), *epoch), ("prices", place.epoch));
    assert_eq!(
        (text(message).as_str(), message.previous),
        (frame, place.sequence)
    );
}

#[tokio::test]
async fn a_shells_publish_key_is_a_nodes() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    fs::write(server.folder().join("publish.lua"), Redis::PUBLISH_SCRIPT).unwrap();
    let with_key = "'{sse}:topic:prices' '{sse}:key:6:prices:order 7' ,";
    let command = command().replace("'{sse}:topic:prices' ,", with_key);
    let first = server.shell(&command);
    let again = server.shell(&command);
    assert_eq!(first.trim_end_matches('0'), again.trim_end_matches('1'));
    let node = Node::at(&server.url()).await;
    let place = node
        .publish_with("prices", "x", Some("order 7"))
        .await
        .unwrap();
    assert!(first.contains(&place.sequence.to_string()), "{first}");
    assert_eq!(node.texts("prices", 0).await.len(), 1);
}

#[tokio::test]
async fn arguments_that_make_no_sense_are_refused_before_anything_is_written() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let good = [
        "{sse}:live:a",
        "x",
        "1000",
        "1000000",
        "1000",
        "1000",
        "0123456789abcdef",
    ];
    let run = |args: &[&str]| {
        let mut command = vec![
            "EVAL",
            Redis::PUBLISH_SCRIPT,
            "2",
            "{sse}:clock",
            "{sse}:topic:a",
        ];
        command.extend(args);
        server.cli(&command)
    };
    for (i, wrong) in [
        (2, "0"),
        (3, "-1"),
        (3, "x"),
        (4, "1.5"),
        (4, ""),
        (5, "99999999999999999"),
        (6, "epoch"),
        (6, ""),
        (6, "0123456789ABCDEF"),
    ] {
        let mut args = good;
        args[i] = wrong;
        let said = run(&args);
        assert!(said.starts_with("ERR"), "{i} {wrong}: {said}");
        assert_eq!(server.cli(&["DBSIZE"]), "0");
    }
    assert!(run(&good).contains("0123456789abcdef"));
}
