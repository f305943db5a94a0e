//! Several servers, one of which takes the place of another.

use std::time::Duration;

use sse_layer::backplane::redis::Redis;

use super::{
    engines,
    node::{Node, text},
};

/// A node that asks often whether its server still takes writes.
async fn node(url: &str) -> Node {
    Node::of(Redis::new(url).unwrap().timeout(Duration::from_secs(1))).await
}

/// Waits until the replica has all that its master has.
fn replicated(master: &engines::Redis, replica: &engines::Redis) {
    replica.cli_until(&["INFO", "replication"], |info| {
        info.contains("master_link_status:up")
    });
    master.cli_until(&["WAIT", "1", "100"], |replicas| replicas == "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_follows_a_cluster_to_the_server_that_has_its_slot() {
    let start = engines::Redis::start_in_cluster;
    let (Some(asked), Some(mut owner), Some(replica)) = (start(), start(), start()) else {
        return;
    };
    owner.cli(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    owner.meet(&asked);
    owner.meet(&replica);
    let all = |info: &str| info.contains("cluster_state:ok") && info.contains("known_nodes:3");
    for server in [&asked, &owner, &replica] {
        server.cli_until(&["CLUSTER", "INFO"], all);
    }
    let id = owner.cli(&["CLUSTER", "MYID"]);
    replica.cli_until(&["CLUSTER", "REPLICATE", &id], |answer| answer == "OK");
    replicated(&owner, &replica);

    let nodes = (node(&asked.url()).await, node(&asked.url()).await);
    nodes.0.listen("a").await;
    let first = nodes.1.publish("a", "1").await;
    nodes.0.messages(1).await;
    assert_eq!(owner.cli(&["EXISTS", "{sse}:topic:a"]), "1");
    // Subscriptions are at that server, too.
    assert_eq!(
        owner.cli(&["PUBSUB", "NUMSUB", "{sse}:live:a"]),
        "{sse}:live:a\n1"
    );

    replicated(&owner, &replica);
    replica.cli(&["CLUSTER", "FAILOVER"]);
    for node in [&nodes.0, &nodes.1] {
        node.until_reconnected(1).await;
    }
    owner.kill();
    let second = nodes.1.publish("a", "2").await;
    assert_eq!(second.epoch, first.epoch);
    let (_, _, message) = nodes.0.messages(2).await.pop().unwrap();
    assert_eq!(
        (text(&message).as_str(), message.previous),
        ("2", first.sequence)
    );
    assert_eq!(
        replica.cli(&["PUBSUB", "NUMSUB", "{sse}:live:a"]),
        "{sse}:live:a\n1"
    );
    assert_eq!(nodes.0.texts("a", 0).await, ["1", "2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_goes_to_the_server_that_the_sentinels_call_the_master() {
    let Some(mut master) = engines::Redis::start() else {
        return;
    };
    let port = master.addr().port().to_string();
    let of = [
        "--replicaof",
        "127.0.0.1",
        &port,
        "--repl-diskless-sync-delay",
        "0",
    ];
    let replica = engines::Redis::start_with(&of).unwrap();
    replicated(&master, &replica);
    let sentinel = master.start_sentinel().unwrap();
    let replica_port = replica.addr().port().to_string();
    let replicas = ["SENTINEL", "REPLICAS", "mymaster"];
    sentinel.cli_until(&replicas, |replicas| replicas.contains(&replica_port));

    let nowhere = engines::free_port();
    let url = format!("redis+sentinel://{nowhere},{}/mymaster", sentinel.addr());
    let nodes = (node(&url).await, node(&url).await);
    nodes.0.listen("a").await;
    let first = nodes.1.publish("a", "1").await;
    nodes.0.messages(1).await;
    replicated(&master, &replica);
    master.kill();
    for node in [&nodes.0, &nodes.1] {
        node.until_disconnected(1).await;
        node.until_reconnected(1).await;
    }
    let second = nodes.1.publish("a", "2").await;
    assert_eq!(second.epoch, first.epoch);
    assert!(second.sequence > first.sequence);
    let (_, _, message) = nodes.0.messages(2).await.pop().unwrap();
    assert_eq!(
        (text(&message).as_str(), message.previous),
        ("2", first.sequence)
    );
    assert_eq!(nodes.0.texts("a", 0).await, ["1", "2"]);
}

#[tokio::test]
async fn a_server_that_takes_no_writes_is_not_what_is_looked_for() {
    let Some(master) = engines::Redis::start() else {
        return;
    };
    let port = master.addr().port().to_string();
    let replica = engines::Redis::start_with(&["--replicaof", "127.0.0.1", &port]).unwrap();
    // The first that answers and takes writes.
    let both = format!("redis://{},{}", replica.addr(), master.addr());
    let node = node(&both).await;
    node.publish("a", "1").await;
    let Err(error) = Node::with(Redis::new(&replica.url()).unwrap(), super::node::BOUNDS).await
    else {
        panic!("a replica takes no writes");
    };
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("ReadOnly"), "{cause}");
}
