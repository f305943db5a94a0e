//! The stream: made, found, changed, deleted under a node, of the wrong kind, full.

use std::time::Duration;

use serde_json::{Value, json};
use sse_layer::backplane::{Backplane, Bounds, Failure, nats::Nats};

use crate::{
    engines,
    node::{ALL, BOUNDS, Node, Told, eventually, why},
};

/// Asks JetStream.
async fn ask(server: &engines::Nats, verb: &str, question: Value) -> Value {
    let client = async_nats::connect(server.url()).await.unwrap();
    let subject = format!("$JS.API.STREAM.{verb}.sse");
    let answer = client.request(subject, question.to_string().into()).await;
    serde_json::from_slice(&answer.unwrap().payload).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_deleted_is_made_again() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let (one, two) = (Node::at(&server).await, Node::at(&server).await);
    two.listen("t").await.unwrap();
    let before = one.put("t", "before").await.unwrap();
    ask(&server, "DELETE", json!({})).await;
    let after = eventually(|| async {
        let place = one.put("t", "after").await?;
        Ok(place)
    })
    .await;
    two.seen.until_back().await;
    assert_ne!(after.epoch, before.epoch);
    let last = eventually(|| two.put("t", "last")).await;
    two.seen
        .until(|told| {
            let is_it = |told: &Told| {
                matches!(told, Told::Message(_, epoch, stored)
                    if (*epoch, stored.sequence) == (last.epoch, last.sequence))
            };
            told.iter().any(is_it)
        })
        .await;
    two.seen.assert_alternates();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_another_kind_is_refused() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let other = json!({ "name": "sse", "subjects": ["sse.in.>"], "storage": "file" });
    ask(&server, "CREATE", other).await;
    let error = Node::open(Nats::new(&server.url()).unwrap())
        .await
        .err()
        .unwrap();
    assert_eq!(error.failure(), Failure::Refused);
    assert_eq!(
        why(&error),
        "the stream sse can't be used: it does not republish what it takes"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_takes_the_same_subjects_is_told() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let client = async_nats::connect(server.url()).await.unwrap();
    let other = json!({ "name": "other", "subjects": ["sse.in.t"], "storage": "file" });
    let subject = "$JS.API.STREAM.CREATE.other";
    let made = client.request(subject, other.to_string().into()).await;
    assert!(!made.unwrap().payload.is_empty());
    let error = Node::open(Nats::new(&server.url()).unwrap())
        .await
        .err()
        .unwrap();
    assert_eq!(error.failure(), Failure::Refused);
    assert!(why(&error).contains("overlap"), "{}", why(&error));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_wider_bounds_widens_the_stream() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let narrow = Bounds {
        events: 2,
        age: Duration::from_secs(10),
        keys: Duration::from_secs(10),
        ..BOUNDS
    };
    let engine = || Nats::new(&server.url()).unwrap();
    let one = Node::open_with(engine(), narrow).await.unwrap();
    let place = one.put("t", "1").await.unwrap();
    let two = Node::open(engine()).await.unwrap();
    let config = ask(&server, "INFO", json!({})).await["config"].clone();
    assert_eq!(config["max_msgs_per_subject"], 1_001);
    assert_eq!(config["max_age"], 1_200_000_000_000_u64);
    assert_eq!(config["duplicate_window"], 120_000_000_000_u64);
    for frame in ["2", "3"] {
        assert_eq!(two.put("t", frame).await.unwrap().epoch, place.epoch);
    }
    assert_eq!(one.kept("t").await, ["2", "3"]);
    assert_eq!(two.kept("t").await, ["1", "2", "3"]);
    Node::open_with(engine(), narrow).await.unwrap();
    let after = ask(&server, "INFO", json!({})).await["config"].clone();
    assert_eq!(after, config, "a node with narrower bounds changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_bounded_by_bytes_tells_that_something_is_missing() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let engine = Nats::new(&server.url()).unwrap().max_bytes(100_000);
    let node = Node::open(engine).await.unwrap();
    let frame = "x".repeat(10_000);
    let mut places = Vec::new();
    for topic in ["a", "b"] {
        for _ in 0..8 {
            places.push(node.put(topic, &frame).await.unwrap().sequence);
        }
    }
    let gone = node.read("a", 0, ALL).await.unwrap();
    let first = gone
        .messages
        .first()
        .map_or(u64::MAX, |stored| stored.sequence);
    assert!(
        gone.missing
            .is_some_and(|missing| missing >= places[0] && missing < first),
        "{gone:?}"
    );
    let there = node.read("b", places[8], ALL).await.unwrap();
    assert_eq!((there.missing, there.messages.len()), (None, 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_stream_refuses_and_can_be_read() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let node = Node::at(&server).await;
    node.listen("t").await.unwrap();
    node.put("t", "kept").await.unwrap();
    let mut config = ask(&server, "INFO", json!({})).await["config"].clone();
    config["discard"] = json!("new");
    config["max_msgs"] = json!(1);
    let answer = ask(&server, "UPDATE", config).await;
    assert!(answer.get("error").is_none(), "{answer}");
    let error = node.put("t", "refused").await.unwrap_err();
    assert_eq!(error.failure(), Failure::Refused);
    assert!(
        why(&error).contains("maximum messages exceeded"),
        "{}",
        why(&error)
    );
    node.listen("u").await.unwrap();
    assert_eq!(node.kept("t").await, ["kept"]);
    let other = Node::at(&server).await;
    assert_eq!(other.kept("t").await, ["kept"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_jetstream_is_refused() {
    let Some(server) = engines::Nats::start_plain() else {
        return;
    };
    let error = Node::open(Nats::new(&server.url()).unwrap())
        .await
        .err()
        .unwrap();
    assert_eq!(error.failure(), Failure::Refused);
    assert!(why(&error).contains("JetStream"), "{}", why(&error));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_larger_than_the_server_takes_is_refused() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let node = Node::at(&server).await;
    let large = "x".repeat(8 * 1024 * 1024 + 1);
    let error = node.put("t", &large).await.unwrap_err();
    assert_eq!(error.failure(), Failure::Refused);
    assert!(why(&error).contains("max payload"), "{}", why(&error));
    let error = node.put(&"é".repeat(2_000), "x").await.unwrap_err();
    assert_eq!(error.failure(), Failure::Refused);
    let longest = "t".repeat(3_400);
    node.listen(&longest).await.unwrap();
    let key = "k".repeat(3_400);
    let place = node.put_key(&longest, "x", Some(&key)).await.unwrap();
    node.seen.until(|told| told.len() == 1).await;
    let page = node.read(&longest, 0, ALL).await.unwrap();
    assert_eq!(page.messages[0].sequence, place.sequence);
}
