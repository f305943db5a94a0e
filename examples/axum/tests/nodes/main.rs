//! Several nodes of the program on one engine, behind nginx as the example recommends it: all of
//! them real, and started by the test.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on should say where"
)]

mod cluster;
#[path = "../../../../sse-layer/tests/engines/mod.rs"]
mod engines;
mod nginx;
#[path = "../program/mod.rs"]
mod program;

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use serde_json::{Value, json};
use sse_testkit::{Ledger, Reconnect, reconnecting};

use self::{
    cluster::{Cluster, On, post},
    nginx::Nginx,
    program::{PATIENCE, Server},
};

/// Prices so seldom that none comes in between.
const QUIET: [&str; 2] = ["--tick-ms", "3600000"];

#[tokio::test]
async fn on_redis_events_reach_the_clients_of_all_nodes_one_by_one() {
    events_reach_the_clients_of_all_nodes_one_by_one(On::Redis).await;
}

#[tokio::test]
async fn on_nats_events_reach_the_clients_of_all_nodes_one_by_one() {
    events_reach_the_clients_of_all_nodes_one_by_one(On::Nats).await;
}

async fn events_reach_the_clients_of_all_nodes_one_by_one(on: On) {
    let Some(cluster) = Cluster::start(on, &QUIET).await else {
        return;
    };
    let url = cluster.url("/sse/notifications");
    let mut clients = Vec::new();
    for _ in 0..9 {
        clients.push(sse_testkit::connect(&url).timeout(PATIENCE).await);
    }
    assert_eq!(cluster.until_there_are(9).await, [3, 3, 3], "round robin");
    for n in 0..30 {
        // The next one is not published before all have this one: nothing holds it back.
        let id = cluster.notify(n % 3, "step", n).await;
        for client in &mut clients {
            client.expect_event("step").id(&id).json(&json!(n)).await;
        }
    }
}

#[tokio::test]
async fn on_redis_the_clients_of_a_node_that_is_killed_go_on_at_the_others() {
    the_clients_of_a_node_that_is_killed_go_on_at_the_others(On::Redis).await;
}

#[tokio::test]
async fn on_nats_the_clients_of_a_node_that_is_killed_go_on_at_the_others() {
    the_clients_of_a_node_that_is_killed_go_on_at_the_others(On::Nats).await;
}

async fn the_clients_of_a_node_that_is_killed_go_on_at_the_others(on: On) {
    const CLIENTS: u64 = 1000;
    const EVENTS: usize = 60;

    let Some(mut cluster) = Cluster::start(on, &QUIET).await else {
        return;
    };
    let url = cluster.url("/sse/notifications");
    let clients = (0..CLIENTS).map(|_| {
        let request = sse_testkit::connect(&url).timeout(PATIENCE);
        let client = reconnecting(request).pause(Duration::from_millis(50));
        tokio::spawn(client.read(EVENTS))
    });
    let clients: Vec<_> = clients.collect();
    let open = cluster.until_there_are(CLIENTS).await;
    // Those who connect at the same time need not come in turn.
    assert!(open.iter().all(|open| *open > CLIENTS / 4), "{open:?}");

    let mut ids = Vec::new();
    for n in 0..EVENTS {
        if n == EVENTS / 2 {
            cluster.kill(0).await;
        }
        // At those that stay; the clients are on all.
        ids.push(cluster.notify(1 + n % 2, "step", n).await);
    }
    let ledgers = join_all(clients).await.into_iter().map(Result::unwrap);
    let ledgers: Vec<Ledger> = ledgers.collect();
    for ledger in &ledgers {
        ledger.expect_ids(&ids);
    }
    let moved = ledgers.iter().filter(|ledger| ledger.connections() > 1);
    assert_eq!(
        moved.count() as u64,
        open[0],
        "those of the node, and no other"
    );
}

#[tokio::test]
async fn on_redis_what_a_node_was_doing_goes_on_without_it() {
    what_a_node_was_doing_goes_on_without_it(On::Redis).await;
}

#[tokio::test]
async fn on_nats_what_a_node_was_doing_goes_on_without_it() {
    what_a_node_was_doing_goes_on_without_it(On::Nats).await;
}

async fn what_a_node_was_doing_goes_on_without_it(on: On) {
    let args = ["--tick-ms", "200", "--token-ms", "100"];
    let Some(mut cluster) = Cluster::start(on, &args).await else {
        return;
    };
    // The node that was started first publishes the prices, and is asked for an order and an answer.
    let first = cluster.node(0);
    post(first.url("/orders/a-1/simulate"), "")
        .await
        .expect_status(202);
    let question = r#"{"prompt":"What is SSE?"}"#;
    let mut accepted = post(first.url("/api/ai/answers"), question).await;
    accepted.expect_status(202);
    let accepted: Value = accepted.body_json().await;
    let other = cluster.node(1);
    let listen = |path: &str| sse_testkit::connect(other.url(path)).timeout(PATIENCE);
    let mut prices = listen("/stocks").await;
    let mut order = listen("/orders/a-1/stream").await;
    let mut answer = listen(accepted["stream"].as_str().unwrap()).await;
    // An order is one order, whichever node is asked.
    post(cluster.node(2).url("/orders/a-1/simulate"), "")
        .await
        .expect_status(409);
    let mut seen = prices.collect(20).await;
    let mut said = answer.collect(5).await;

    cluster.kill(0).await;

    let (more, steps, rest) = tokio::join!(
        prices.collect(100),
        order.collect_to_end(),
        answer.collect_to_end()
    );
    seen.extend(more);
    said.extend(rest);
    let mut ticks = BTreeMap::<String, Vec<u64>>::new();
    for price in &seen {
        assert_eq!(price.event, "stockUpdate");
        let price: Value = price.json();
        let symbol = price["symbol"].as_str().unwrap().to_owned();
        ticks
            .entry(symbol)
            .or_default()
            .push(price["tick"].as_u64().unwrap());
    }
    assert_eq!(ticks.len(), 5);
    for (symbol, ticks) in ticks {
        let is_next = |pair: &[u64]| pair[0] + 1 == pair[1];
        assert!(ticks.windows(2).all(is_next), "{symbol}: {ticks:?}");
    }
    let steps: Vec<_> = steps
        .iter()
        .map(|step| step.json::<Value>()["step"].as_u64())
        .collect();
    assert_eq!(steps, [1, 2, 3, 4, 5, 6].map(Some));
    let said: Vec<_> = said.iter().map(|event| event.json::<Value>()).collect();
    let tokens = said.iter().filter_map(|event| event["token"].as_str());
    let text: String = tokens.collect();
    assert!(
        text.starts_with("You asked: \u{201c}What is SSE?\u{201d}. Most of the work"),
        "{text}"
    );
    assert!(text.ends_with("piling up."), "{text}");
    assert!(matches!(order.reconnect().await, Reconnect::Stopped));
}

#[tokio::test]
async fn while_no_node_is_there_who_wants_a_stream_is_asked_to_come_back() {
    if nginx::is_skipped() {
        return;
    }
    let nodes = [
        Server::start(&QUIET).await,
        Server::start(&QUIET).await,
        Server::start(&QUIET).await,
    ];
    let nginx = Nginx::start([0, 1, 2].map(|n: usize| &*nodes[n].address));
    let mut open = sse_testkit::connect(nginx.url("/sse/live")).await;
    open.expect_event("stockUpdate").await;
    drop(nodes);

    // A browser gives up where it is answered anything but 200.
    for _ in 0..3 {
        let mut later = sse_testkit::connect(nginx.url("/sse/live")).await;
        later
            .expect_status(200)
            .expect_header("content-type", "text/event-stream");
        later.expect_end().await;
        let retry = later.retry();
        assert!((1..=4).contains(&retry.as_secs()), "{retry:?}");
    }
    sse_testkit::connect(nginx.url("/sse/stats"))
        .header("accept", "application/json")
        .await
        .expect_status(502);
}
