//! What happens when Redis, or the way to it, fails.

use std::time::{Duration, Instant};

use sse_layer::backplane::{Backplane, Failure, Outgoing, redis::Redis};

use super::{
    engines::{self, Proxy},
    node::{ALL, Node, Told, text, texts},
};

/// That the inbox was told in turn, and how often.
fn outages(seen: &[Told]) -> usize {
    let told: Vec<_> = seen
        .iter()
        .filter(|seen| !matches!(seen, Told::Message(..)))
        .collect();
    for (i, told) in told.iter().enumerate() {
        let expected = [Told::Disconnected, Told::Reconnected][i % 2].clone();
        assert_eq!(**told, expected, "{told:?}");
    }
    told.len() / 2
}

async fn fails_at_once(node: &Node) {
    let begun = Instant::now();
    let error = node.try_publish("a", "lost").await.unwrap_err();
    assert_eq!(error.failure(), Failure::Unavailable);
    let error = node.engine.listen("b").await.unwrap_err();
    assert_eq!(error.failure(), Failure::Unavailable);
    let error = node.engine.read("a", 0, ALL).await.unwrap_err();
    assert_eq!(error.failure(), Failure::Unavailable);
    let error = node.engine.newest("a", ALL).await.unwrap_err();
    assert_eq!(error.failure(), Failure::Unavailable);
    let place = sse_layer::backplane::Place {
        epoch: 1,
        sequence: 1,
    };
    let error = node.engine.frontier(place).await.unwrap_err();
    assert_eq!(error.failure(), Failure::Unavailable);
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_server_that_was_killed_and_comes_back_with_its_data_goes_on() {
    let Some(mut server) = engines::Redis::start() else {
        return;
    };
    let node = Node::at(&server.url()).await;
    node.listen("a").await;
    node.listen("left").await;
    let first = node.publish("a", "1").await;
    node.messages(1).await;
    server.kill();
    node.until_disconnected(1).await;
    fails_at_once(&node).await;
    node.engine.leave("left");
    server.run();
    let publisher = Node::at(&server.url()).await;
    let second = publisher.publish("a", "2").await;
    assert_eq!(second.epoch, first.epoch);
    node.until_reconnected(1).await;
    publisher.publish("left", "x").await;
    publisher.publish("a", "3").await;
    let seen = node
        .until(|seen| matches!(seen.last(), Some(Told::Message(_, _, last)) if text(last) == "3"));
    let seen = seen.await;
    assert_eq!(outages(&seen), 1);
    let left = |seen: &Told| matches!(seen, Told::Message(topic, ..) if topic == "left");
    assert!(!seen.iter().any(left));
    assert_eq!(node.texts("a", first.sequence).await, ["2", "3"]);
    // What failed was not done, and what was asked for in vain is not listened to.
    assert_eq!(node.texts("a", 0).await, ["1", "2", "3"]);
    publisher.publish("b", "nobody").await;
    node.frontier().await;
    assert_eq!(node.inbox.all().len(), seen.len());
}

#[tokio::test]
async fn a_server_that_has_lost_its_data_has_another_epoch() {
    let Some(mut server) = engines::Redis::start() else {
        return;
    };
    let node = Node::at(&server.url()).await;
    node.listen("a").await;
    let first = node.publish("a", "1").await;
    server.kill();
    server.lose_data();
    server.run();
    node.until_reconnected(1).await;
    // Before anything is published there.
    let page = node.read("a", first.sequence).await;
    assert_ne!(page.epoch, first.epoch);
    let frontier = node.engine.frontier(first).await.unwrap();
    assert_eq!((frontier.epoch, frontier.sequence), (page.epoch, 0));
    let second = node.publish("a", "2").await;
    assert_eq!(second.epoch, page.epoch);
    let seen = node
        .until(|seen| matches!(seen.last(), Some(Told::Message(_, _, last)) if text(last) == "2"));
    let seen = seen.await;
    let Some(Told::Message(_, epoch, message)) = seen.last() else {
        panic!("{seen:?}");
    };
    assert_eq!((*epoch, message.previous), (second.epoch, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_published_while_the_connection_was_cut_is_read_and_the_rest_handed_over() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let proxy = Proxy::to(server.addr());
    let node = Node::at(&format!("redis://{}", proxy.addr())).await;
    assert_eq!(proxy.open(), 2);
    let publisher = Node::at(&server.url()).await;
    for topic in ["a", "b", "c"] {
        node.listen(topic).await;
    }
    let before = publisher.publish("b", "before").await;
    node.messages(1).await;
    proxy.refuse();
    proxy.cut();
    node.until_disconnected(1).await;
    let meanwhile = publisher.publish("b", "meanwhile").await;
    proxy.until_refused(3);
    assert_eq!(proxy.open(), 0);
    fails_at_once(&node).await;
    proxy.accept();
    node.until_reconnected(1).await;
    publisher.publish("b", "after").await;
    let handed = node.messages(2).await;
    let (topic, _, after) = handed.last().unwrap();
    assert_eq!((topic.as_str(), text(after).as_str()), ("b", "after"));
    assert_eq!(after.previous, meanwhile.sequence);
    let page = node.read("b", before.sequence).await;
    assert_eq!(
        (texts(&page), page.missing),
        (vec!["meanwhile".into(), "after".into()], None)
    );
    assert_eq!(outages(&node.inbox.all()), 1);
    assert_eq!(proxy.open(), 2);
}

#[tokio::test]
async fn connections_that_are_cut_again_and_again_come_back_each_time() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = Node::at(&server.url()).await;
    node.listen("a").await;
    let begun = Instant::now();
    for (i, kind) in ["normal", "pubsub", "normal", "pubsub"]
        .into_iter()
        .enumerate()
    {
        // Without either of its connections it has none.
        server.cli(&["CLIENT", "KILL", "TYPE", kind]);
        node.until_reconnected(i + 1).await;
    }
    // With pauses that grow though it was connected in between: 100, 200, 400 and 800 ms, or half.
    assert!(begun.elapsed() >= Duration::from_millis(750));
    node.publish("a", "1").await;
    node.messages(1).await;
    assert_eq!(outages(&node.inbox.all()), 4);
}

/// A node that does not wait for long.
async fn impatient(url: &str) -> Node {
    Node::of(Redis::new(url).unwrap().timeout(IMPATIENCE)).await
}

/// Long enough for a busy machine to keep to twice as long.
const IMPATIENCE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_server_that_answers_nothing_is_given_up_and_tried_again() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = impatient(&server.url()).await;
    node.listen("a").await;
    node.publish("a", "1").await;
    server.freeze();
    let begun = Instant::now();
    let event = Outgoing {
        topic: "a",
        frame: b"2",
        key: Some("k"),
    };
    let error = node.engine.publish(event).await.unwrap_err();
    assert_eq!(error.failure(), Failure::Unknown);
    node.until_disconnected(1).await;
    assert!(begun.elapsed() < IMPATIENCE * 2, "{:?}", begun.elapsed());
    fails_at_once(&node).await;
    server.thaw();
    node.until_reconnected(1).await;
    // It may have been published or not. With its key it is there once.
    let place = node.engine.publish(event).await.unwrap();
    let page = node.read("a", 0).await;
    assert_eq!(
        (texts(&page), page.messages[1].sequence),
        (vec!["1".into(), "2".into()], place.sequence)
    );
}

#[tokio::test]
async fn a_network_that_has_gone_without_a_word_is_noticed_though_nothing_is_sent() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let proxy = Proxy::to(server.addr());
    let node = impatient(&format!("redis://{}", proxy.addr())).await;
    node.listen("a").await;
    proxy.stall();
    let begun = Instant::now();
    node.until_disconnected(1).await;
    assert!(begun.elapsed() < IMPATIENCE * 2, "{:?}", begun.elapsed());
    proxy.go_on();
    node.until_reconnected(1).await;
    node.publish("a", "1").await;
    node.messages(1).await;
}

#[tokio::test]
async fn either_connection_is_noticed_that_has_gone_without_a_word() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    for gone in 0..2 {
        let proxy = Proxy::to(server.addr());
        let node = impatient(&format!("redis://{}", proxy.addr())).await;
        node.listen("a").await;
        proxy.stall_one(gone);
        node.until_disconnected(1).await;
        node.until_reconnected(1).await;
        node.publish("a", "1").await;
        node.messages(1).await;
    }
}

#[tokio::test]
async fn scripts_that_were_forgotten_are_sent_again() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = Node::at(&server.url()).await;
    node.listen("a").await;
    for i in 0..3 {
        server.cli(&["SCRIPT", "FLUSH"]);
        let place = node.publish("a", &i.to_string()).await;
        server.cli(&["SCRIPT", "FLUSH"]);
        assert_eq!(node.frontier().await, place);
        server.cli(&["SCRIPT", "FLUSH"]);
        assert_eq!(node.texts("a", 0).await.len(), i + 1);
        server.cli(&["SCRIPT", "FLUSH"]);
        assert_eq!(
            node.engine.newest("a", ALL).await.unwrap().messages.len(),
            i + 1
        );
    }
    node.messages(3).await;
    assert_eq!(outages(&node.inbox.all()), 0);
}

#[tokio::test]
async fn a_server_without_memory_refuses_and_nothing_has_changed() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = Node::at(&server.url()).await;
    node.listen("a").await;
    let first = node.publish("a", "1").await;
    server.cli(&["CONFIG", "SET", "maxmemory", "1mb"]);
    let clock = server.cli(&["HGETALL", "{sse}:clock"]);
    for key in [None, Some("k")] {
        let error = node.publish_with("a", "2", key).await.unwrap_err();
        assert_eq!(error.failure(), Failure::Refused);
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("OOM"), "{cause}");
    }
    assert_eq!(server.cli(&["HGETALL", "{sse}:clock"]), clock);
    assert_eq!(server.cli(&["DBSIZE"]), "2");
    // What needs no memory goes on, also for a node that comes now.
    let other = Node::at(&server.url()).await;
    assert_eq!(other.texts("a", 0).await, ["1"]);
    assert_eq!(other.frontier().await, first);
    other.listen("a").await;
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    node.publish_with("a", "2", Some("k")).await.unwrap();
    assert_eq!(text(&other.messages(1).await[0].2), "2");
    assert_eq!(outages(&node.inbox.all()), 0);
}

#[tokio::test]
async fn what_is_not_ours_is_refused_and_left_as_it_is() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = Node::at(&server.url()).await;
    node.publish("good", "1").await;
    server.cli(&["SET", "{sse}:topic:text", "mine"]);
    server.cli(&["XADD", "{sse}:topic:stream", "5-0", "mine", "mine"]);
    server.cli(&[
        "XADD",
        "{sse}:topic:later",
        "9007199254740991-0",
        "frame",
        "mine",
    ]);
    let clock = server.cli(&["HGETALL", "{sse}:clock"]);
    let nowhere = sse_layer::backplane::Place {
        epoch: 0,
        sequence: 0,
    };
    for topic in ["text", "stream", "later"] {
        node.listen(topic).await;
        let error = node.publish_with(topic, "2", Some("k")).await.unwrap_err();
        assert_eq!(error.failure(), Failure::Refused, "{topic}");
        let error = node.engine.read(topic, 0, ALL).await.unwrap_err();
        assert_eq!(error.failure(), Failure::Refused, "{topic}");
        let error = node.engine.newest(topic, ALL).await.unwrap_err();
        assert_eq!(error.failure(), Failure::Refused, "{topic}");
    }
    assert_eq!(server.cli(&["HGETALL", "{sse}:clock"]), clock);
    assert_eq!(server.cli(&["DBSIZE"]), "5");
    // Nor with a clock that can't go on.
    for last in ["not a number", "nan", "9007199254740992", "1e300"] {
        server.cli(&["HSET", "{sse}:clock", "last", last]);
        for topic in ["good", "new"] {
            let error = node.try_publish(topic, "2").await.unwrap_err();
            assert_eq!(error.failure(), Failure::Refused, "{last}");
        }
        let error = node.engine.read("good", 0, ALL).await.unwrap_err();
        assert_eq!(error.failure(), Failure::Refused, "{last}");
        let error = node.engine.frontier(nowhere).await.unwrap_err();
        assert_eq!(error.failure(), Failure::Refused, "{last}");
    }
    server.cli(&["DEL", "{sse}:clock"]);
    server.cli(&["SET", "{sse}:clock", "mine"]);
    let error = node.try_publish("good", "2").await.unwrap_err();
    assert_eq!(error.failure(), Failure::Refused);
    assert_eq!(node.inbox.all(), []);
}

#[tokio::test]
async fn what_is_no_event_is_passed_over() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = Node::at(&server.url()).await;
    node.listen("a").await;
    for payload in [
        "",
        "hello",
        "0123456789abcdef 1\n",
        "0123456789abcdef -1 0\nx",
    ] {
        server.cli(&["PUBLISH", "{sse}:live:a", payload]);
    }
    node.publish("a", "1").await;
    assert_eq!(text(&node.messages(1).await[0].2), "1");
    assert_eq!(node.inbox.all().len(), 1);
}

#[tokio::test]
async fn nothing_runs_on_when_the_engine_is_dropped() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let proxy = Proxy::to(server.addr());
    let node = Node::at(&format!("redis://{}", proxy.addr())).await;
    node.listen("a").await;
    let inbox = std::sync::Arc::downgrade(&node.inbox);
    drop(node);
    // The task ends when the runtime gets to it, and with it the connections.
    while proxy.open() > 0 || inbox.upgrade().is_some() {
        tokio::task::yield_now().await;
    }
}
