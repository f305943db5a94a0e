//! The order in which things are handed over.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::FutureExt;
use sse_layer::backplane::{Backplane, nats::Nats};
use tokio::task::JoinSet;

use crate::{
    engines::{self, Proxy},
    node::{NOWHERE, Node, Told},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_publishers_to_many_topics_are_handed_over_in_order() {
    const TOPICS: usize = 40;
    const EACH: usize = 250;

    let Some(server) = engines::Nats::start() else {
        return;
    };
    let listener = Node::at(&server).await;
    for topic in 0..TOPICS {
        // Every fourth topic is not listened to.
        if topic % 4 != 0 {
            listener.listen(&topic.to_string()).await.unwrap();
        }
    }
    let mut publishers = JoinSet::new();
    for publisher in 0..8 {
        let node = Node::at(&server).await;
        publishers.spawn(async move {
            for round in 0..EACH {
                let topic = (round * 7 + publisher * 3) % TOPICS;
                node.put(&topic.to_string(), "x").await.unwrap();
            }
        });
    }
    // What a frontier tells has been handed over when it is told.
    let mut frontiers = Vec::new();
    while !publishers.is_empty() {
        while publishers.try_join_next().is_some() {}
        let place = listener.frontier(NOWHERE).await.unwrap();
        frontiers.push((place.sequence, listener.seen.all().len()));
    }
    let told = listener.seen.all();
    let mut last = 0;
    let mut of_topic = HashMap::new();
    for told in &told {
        let Told::Message(topic, _, stored) = told else {
            panic!("the connection was lost");
        };
        assert!(stored.sequence > last, "{} after {last}", stored.sequence);
        last = stored.sequence;
        let before = of_topic.insert(topic, last).unwrap_or_default();
        assert_eq!(stored.previous, before, "in {topic}");
    }
    let expected = (0..8 * EACH).filter(|at| (at % EACH * 7 + at / EACH * 3) % TOPICS % 4 != 0);
    assert_eq!(told.len(), expected.count());
    for (frontier, count) in frontiers {
        for late in &told[count..] {
            assert!(!matches!(late, Told::Message(_, _, stored) if stored.sequence <= frontier));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn frontiers_that_share_a_marker_are_behind_what_each_has_seen_published() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let (node, other) = (Node::at(&server).await, Node::at(&server).await);
    let (node, other) = (Arc::new(node), Arc::new(other));
    let mut asking = JoinSet::new();
    for topic in 0..8 {
        let (node, other) = (Arc::clone(&node), Arc::clone(&other));
        asking.spawn(async move {
            for _ in 0..200 {
                let published = other.put(&topic.to_string(), "x").await.unwrap();
                let frontier = node.frontier(NOWHERE).await.unwrap();
                assert!(frontier.sequence > published.sequence);
            }
        });
    }
    while let Some(asked) = asking.join_next().await {
        asked.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_from_before_a_topic_was_listened_to_hold_up_nothing() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let engine = Nats::new(&server.url()).unwrap();
    let engine = engine.timeout(Duration::from_secs(1));
    let node = Arc::new(Node::open(engine).await.unwrap());
    let publisher = Node::at(&server).await;
    let publishing = tokio::spawn(async move {
        loop {
            publisher.put("t", "x").await.unwrap();
        }
    });
    // Markers that tell nothing of the topic.
    let asking = tokio::spawn({
        let node = Arc::clone(&node);
        async move {
            loop {
                node.frontier(NOWHERE).await.unwrap();
            }
        }
    });
    for _ in 0..300 {
        node.listen("t").await.unwrap();
        node.frontier(NOWHERE).await.unwrap();
        node.leave("t");
    }
    assert_eq!(node.seen.count(&Told::Disconnected), 0);
    assert!(!asking.is_finished() && !publishing.is_finished());
    asking.abort();
    publishing.abort();
}

// On one thread, no answer comes before the call is dropped.
#[tokio::test]
async fn a_second_call_that_is_dropped_leaves_the_topic_listened_to() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let node = Node::at(&server).await;
    node.listen("t").await.unwrap();
    let again = node.listen("t").now_or_never();
    assert!(again.is_none(), "{again:?} and not dropped");
    node.frontier(NOWHERE).await.unwrap();
    let place = node.put("t", "x").await.unwrap();
    assert!(node.frontier(NOWHERE).await.unwrap().sequence > place.sequence);
    assert_eq!(node.seen.frames("t"), ["x"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_that_is_cut_under_load_is_lost_once() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let proxy = Proxy::to(server.addr());
    let engine = Nats::new(&format!("nats://{}", proxy.addr())).unwrap();
    let listener = Node::open(engine.timeout(Duration::from_secs(1)))
        .await
        .unwrap();
    listener.listen("t").await.unwrap();
    let mut publishers = JoinSet::new();
    for _ in 0..6 {
        let node = Node::at(&server).await;
        publishers.spawn(async move {
            loop {
                node.put("t", "x").await.unwrap();
            }
        });
    }
    let other = Node::at(&server).await;
    for round in 1..=10 {
        proxy.cut();
        listener.seen.until_told(&Told::Reconnected, round).await;
        let last = other.put("t", "last").await.unwrap();
        let is_it = |told: &Told| matches!(told, Told::Message(_, _, stored) if stored.sequence == last.sequence);
        listener
            .seen
            .until(|told| told.iter().rev().take(5_000).any(is_it))
            .await;
        assert_eq!(listener.seen.count(&Told::Disconnected), round);
    }
    listener.seen.assert_alternates();
}

#[tokio::test]
async fn a_node_that_is_too_slow_reads_and_loses_nothing() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    // The listener's tasks have this one thread, which the test keeps from them.
    let listener = Node::at(&server).await;
    listener.listen("t").await.unwrap();
    let url = server.url();
    let publisher = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let client = async_nats::connect(url).await.unwrap();
            for _ in 0..20_000 {
                client.publish("sse.in.t", "x".into()).await.unwrap();
            }
            client.flush().await.unwrap();
        });
    });
    publisher.join().unwrap();
    let last = listener.put("t", "last").await;
    let last = match last {
        Ok(place) => place,
        Err(_) => {
            listener.seen.until_back().await;
            listener.put("t", "last").await.unwrap()
        }
    };
    listener
        .seen
        .until(|told| {
            let is_it = |told: &Told| matches!(told, Told::Message(_, _, stored) if stored.sequence == last.sequence);
            told.iter().any(is_it)
                || (told.contains(&Told::Disconnected) && told.last() == Some(&Told::Reconnected))
        })
        .await;
    // Either all has come in order without a hole, or the node was told to read.
    let mut previous = 0;
    for told in listener.seen.all() {
        match told {
            Told::Message(_, _, stored) => {
                assert_eq!(stored.previous, previous);
                previous = stored.sequence;
            }
            Told::Disconnected => break,
            Told::Reconnected => panic!("it was not lost"),
        }
    }
}
