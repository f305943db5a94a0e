//! What many topics cost.

use std::{collections::HashSet, time::Duration};

use futures_util::future::join_all;
use sse_layer::backplane::{Backplane, redis::Redis};

use super::{
    engines,
    node::{Node, Told},
};

const MANY: usize = 10_000;

const PATIENCE: Duration = Duration::from_secs(60);

/// How often Redis has run a command since it was asked to begin to count.
fn calls(server: &engines::Redis, command: &str) -> usize {
    let stats = server.cli(&["INFO", "commandstats"]);
    let line = stats
        .lines()
        .find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}

fn connections(server: &engines::Redis) -> usize {
    // One of them is that of the command line.
    server.cli(&["CLIENT", "LIST"]).lines().count() - 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_topics_cost_two_connections_and_few_commands() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    // What is asked for all at once is answered in turn, for which a busy machine takes its time.
    let engine = || Redis::new(&server.url()).map(|engine| engine.timeout(PATIENCE));
    let node = Node::of(engine().unwrap()).await;
    let publisher = Node::of(engine().unwrap()).await;
    let topics: Vec<_> = (0..MANY).map(|i| format!("topic {i}")).collect();
    server.cli(&["CONFIG", "RESETSTAT"]);
    join_all(topics.iter().map(|topic| node.listen(topic))).await;
    assert_eq!(connections(&server), 4);
    let subscribes = calls(&server, "subscribe");
    assert!((10..=200).contains(&subscribes), "{subscribes}");
    let frontiers = join_all((0..MANY).map(|_| node.frontier())).await;
    assert!(frontiers.iter().all(|place| *place == frontiers[0]));
    let scripts = calls(&server, "evalsha");
    assert!((1..=100).contains(&scripts), "{scripts}");
    join_all(
        topics
            .iter()
            .map(|topic| publisher.publish(topic, "data: x\n\n")),
    )
    .await;
    let handed = node.messages(MANY).await;
    assert!(handed.is_sorted_by(|(.., a), (.., b)| a.sequence < b.sequence));
    let of: HashSet<_> = handed.iter().map(|(topic, ..)| topic.clone()).collect();
    assert_eq!(of.len(), MANY);
    // All of them are listened to again, in a few commands.
    server.cli(&["CONFIG", "RESETSTAT"]);
    server.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    node.until_reconnected(1).await;
    publisher.until_reconnected(1).await;
    let subscribes = calls(&server, "subscribe");
    assert!((10..=20).contains(&subscribes), "{subscribes}");
    let last = publisher.publish(&topics[MANY - 1], "data: y\n\n").await;
    let is_last = |seen: &Told| matches!(seen, Told::Message(_, _, message) if message.sequence == last.sequence);
    node.until(|seen| seen.last().is_some_and(is_last)).await;
    // What is left costs nothing any more.
    for topic in &topics {
        node.engine.leave(topic);
    }
    node.listen("one").await;
    while !server
        .cli(&["PUBSUB", "CHANNELS", "{sse}:live:topic*"])
        .is_empty()
    {
        tokio::task::yield_now().await;
    }
    assert_eq!(connections(&server), 4);
}
