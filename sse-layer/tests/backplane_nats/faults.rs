//! A server that is killed, loses its data, freezes or can't be reached.

use std::time::{Duration, Instant};

use sse_layer::backplane::{Backplane, Failure, nats::Nats};

use crate::{
    engines::{self, Proxy},
    node::{ALL, NOWHERE, Node, Told, eventually},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_with_its_data_goes_on() {
    let Some(mut server) = engines::Nats::start() else {
        return;
    };
    let node = Node::at(&server).await;
    node.listen("t").await.unwrap();
    let before = node.put("t", "before").await.unwrap();
    node.seen.until(|told| told.len() == 1).await;
    server.kill();
    node.seen.until_told(&Told::Disconnected, 1).await;
    let begun = Instant::now();
    let error = node.put("t", "lost").await.unwrap_err();
    assert_eq!(error.failure(), Failure::Unavailable);
    assert_eq!(
        node.read("t", 0, ALL).await.unwrap_err().failure(),
        Failure::Unavailable
    );
    assert_eq!(
        node.listen("u").await.unwrap_err().failure(),
        Failure::Unavailable
    );
    assert_eq!(
        node.frontier(NOWHERE).await.unwrap_err().failure(),
        Failure::Unavailable
    );
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "it waits for nothing"
    );
    server.run();
    node.seen.until_told(&Told::Reconnected, 1).await;
    let after = node.put("t", "after").await.unwrap();
    assert_eq!(after.epoch, before.epoch);
    assert!(after.sequence > before.sequence);
    node.seen.until(|told| told.len() == 4).await;
    assert_eq!(node.seen.frames("t"), ["before", "after"]);
    assert_eq!(node.kept("t").await, ["before", "after"]);
    node.put("u", "x").await.unwrap();
    node.frontier(NOWHERE).await.unwrap();
    assert!(node.seen.frames("u").is_empty(), "its listen has failed");
    node.seen.assert_alternates();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_lost_its_data_has_another_epoch() {
    let Some(mut server) = engines::Nats::start() else {
        return;
    };
    let (one, two) = (Node::at(&server).await, Node::at(&server).await);
    for node in [&one, &two] {
        node.listen("t").await.unwrap();
    }
    let before = one.put("t", "before").await.unwrap();
    for node in [&one, &two] {
        node.seen.until(|told| told.len() == 1).await;
    }
    server.kill();
    server.lose_data();
    server.run();
    for node in [&one, &two] {
        node.seen.until_back().await;
    }
    let after = two.put("t", "after").await.unwrap();
    assert_ne!(after.epoch, before.epoch);
    for node in [&one, &two] {
        node.seen.until(|told| told.len() == 4).await;
        let last = node.seen.all().pop();
        let Some(Told::Message(_, epoch, stored)) = last else {
            panic!("{last:?}");
        };
        assert_eq!((epoch, stored.sequence), (after.epoch, after.sequence));
        assert_eq!(node.read("t", 0, ALL).await.unwrap().epoch, after.epoch);
        node.seen.assert_alternates();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_freezes_is_taken_for_gone() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let timeout = Duration::from_secs(1);
    let engine = Nats::new(&server.url()).unwrap().timeout(timeout);
    let node = Node::open(engine).await.unwrap();
    node.listen("t").await.unwrap();
    server.freeze();
    let begun = Instant::now();
    // It may still answer for a moment.
    let error = loop {
        if let Err(error) = node.put("t", "perhaps").await {
            break error;
        }
    };
    assert_eq!(error.failure(), Failure::Unknown);
    node.seen.until_told(&Told::Disconnected, 1).await;
    assert!(begun.elapsed() < 5 * timeout, "{:?}", begun.elapsed());
    server.thaw();
    node.seen.until_told(&Told::Reconnected, 1).await;
    node.put("t", "after").await.unwrap();
    node.seen
        .until(|told| matches!(told.last(), Some(Told::Message(..))))
        .await;
    assert_eq!(node.seen.frames("t").last().unwrap(), "after");
    node.seen.assert_alternates();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_comes_back() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let proxy = Proxy::to(server.addr());
    let url = format!("nats://{}", proxy.addr());
    let node = Node::open(Nats::new(&url).unwrap()).await.unwrap();
    let other = Node::at(&server).await;
    for topic in 0..100 {
        node.listen(&topic.to_string()).await.unwrap();
    }
    for round in 1..=3 {
        proxy.refuse();
        proxy.cut();
        node.seen.until_told(&Told::Disconnected, round).await;
        let missed = other.put("7", "missed").await.unwrap();
        let error = node.put("7", "lost").await.unwrap_err();
        assert_eq!(error.failure(), Failure::Unavailable);
        proxy.accept();
        node.seen.until_told(&Told::Reconnected, round).await;
        let place = other.put("7", "seen").await.unwrap();
        node.seen
            .until(|told| {
                let is_it = |told: &Told| {
                    matches!(told, Told::Message(_, _, stored)
                        if stored.sequence == place.sequence && stored.previous == missed.sequence)
                };
                told.iter().any(is_it)
            })
            .await;
    }
    assert_eq!(proxy.open(), 1);
    node.seen.assert_alternates();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_come_is_not_known() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let proxy = Proxy::to(server.addr());
    let url = format!("nats://{}", proxy.addr());
    let node = Node::open(Nats::new(&url).unwrap()).await.unwrap();
    proxy.stall();
    let put = tokio::spawn(async move {
        let error = node.put_key("t", "x", Some("k")).await.unwrap_err();
        (node, error.failure())
    });
    tokio::task::yield_now().await;
    proxy.cut();
    let (node, failure) = put.await.unwrap();
    assert!(
        matches!(failure, Failure::Unknown | Failure::Unavailable),
        "{failure:?}"
    );
    proxy.go_on();
    let place = eventually(|| node.put_key("t", "x", Some("k"))).await;
    assert_eq!(
        eventually(|| node.put_key("t", "x", Some("k"))).await,
        place
    );
    assert_eq!(node.kept("t").await, ["x"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_told_at_once() {
    let Some(mut server) = engines::Nats::start() else {
        return;
    };
    server.kill();
    let error = Node::open(Nats::new(&server.url()).unwrap())
        .await
        .err()
        .unwrap();
    assert_eq!(error.failure(), Failure::Unavailable);
}
