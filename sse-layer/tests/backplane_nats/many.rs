//! Ten thousand topics on a node: what that costs.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
};

use serde_json::Value;
use sse_layer::backplane::{Backplane, nats::Nats};
use tokio::{task::JoinSet, time::timeout};

use crate::{
    engines,
    node::{BOUNDS, NOWHERE, Node, PATIENCE, Seen, Told},
};

/// What the server tells of itself.
pub(crate) fn monitor(addr: SocketAddr, what: &str) -> Value {
    let mut stream = TcpStream::connect(addr).unwrap();
    write!(stream, "GET /{what} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

pub(crate) fn count(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_topics_have_one_connection_and_few_messages() {
    const TOPICS: u64 = 10_000;

    let monitored = engines::free_port();
    let config = format!("http: \"{monitored}\"");
    let Some(server) = engines::Nats::start_with(&config) else {
        return;
    };
    let node = Arc::new(Nats::new(&server.url()).unwrap());
    let seen = Arc::new(Seen::default());
    node.open(seen.clone(), BOUNDS).await.unwrap();
    let before = monitor(monitored, "varz");
    let mut listening = JoinSet::new();
    for topic in 0..TOPICS {
        let node = Arc::clone(&node);
        listening.spawn(async move {
            node.listen(&topic.to_string()).await.unwrap();
            node.frontier(NOWHERE).await.unwrap();
        });
    }
    while let Some(listened) = listening.join_next().await {
        listened.unwrap();
    }
    let after = monitor(monitored, "varz");
    assert_eq!(count(&after["connections"]), 1);
    let more = |name: &str| count(&after[name]) - count(&before[name]);
    assert_eq!(more("subscriptions"), TOPICS);
    let (sent, received) = (more("in_msgs"), more("out_msgs"));
    eprintln!("10,000 topics: {sent} messages to the server, {received} from it");
    assert!(
        sent < TOPICS / 10 && received < TOPICS / 10,
        "{sent}, {received}"
    );
    let client = async_nats::connect(server.url()).await.unwrap();
    for topic in 0..TOPICS {
        let subject = format!("sse.in.{topic}");
        client.publish(subject, "x".into()).await.unwrap();
    }
    seen.until(|told| told.len() as u64 == TOPICS).await;
    assert_eq!(seen.count(&Told::Disconnected), 0);
    for topic in 0..TOPICS {
        node.leave(&topic.to_string());
    }
    drop(node);
    let gone = || count(&monitor(monitored, "varz")["connections"]) == 1;
    while !gone() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_listened_to_twice_has_one_subscription() {
    let monitored = engines::free_port();
    let Some(server) = engines::Nats::start_with(&format!("http: \"{monitored}\"")) else {
        return;
    };
    let node = Node::at(&server).await;
    let subscriptions = || count(&monitor(monitored, "varz")["subscriptions"]);
    let until = async |expected: u64| {
        let there = async {
            while subscriptions() != expected {
                tokio::task::yield_now().await;
            }
        };
        let there = timeout(PATIENCE, there).await;
        there.unwrap_or_else(|_| panic!("{} and not {expected}", subscriptions()));
    };
    node.frontier(NOWHERE).await.unwrap();
    let before = subscriptions();
    for _ in 0..3 {
        node.listen("t").await.unwrap();
    }
    until(before + 1).await;
    node.leave("t");
    until(before).await;
}
