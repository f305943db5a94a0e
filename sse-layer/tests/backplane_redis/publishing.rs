//! Order, numbers, publish keys, names and sizes.

use std::collections::HashSet;

use sse_layer::backplane::{Backplane, Place};

use super::{
    engines,
    node::{Handed, Node, text},
};

#[tokio::test]
async fn a_node_is_handed_what_another_publishes_with_the_number_of_the_one_before() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let (publisher, listener) = (Node::at(&server.url()).await, Node::at(&server.url()).await);
    listener.listen("prices").await;
    let first = publisher.publish("prices", "data: 1\n\n").await;
    let other = publisher.publish("other", "data: x\n\n").await;
    let second = publisher.publish("prices", "data: 2\n\n").await;
    assert!(first.sequence < other.sequence && other.sequence < second.sequence);
    let handed = listener.messages(2).await;
    let [(topic, epoch, one), (_, _, two)] = &handed[..] else {
        panic!("{handed:?}");
    };
    assert_eq!((topic.as_str(), *epoch), ("prices", first.epoch));
    assert_eq!((one.sequence, one.previous), (first.sequence, 0));
    assert_eq!(
        (two.sequence, two.previous),
        (second.sequence, first.sequence)
    );
    assert_eq!(
        (text(one), text(two)),
        ("data: 1\n\n".into(), "data: 2\n\n".into())
    );
    let page = listener.read("prices", 0).await;
    assert_eq!(page.messages, [one.clone(), two.clone()]);
    assert_eq!(
        (page.epoch, page.missing, page.has_more),
        (first.epoch, None, false)
    );
    assert_eq!(other.epoch, first.epoch);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_nodes_are_handed_the_same_order_over_all_topics_however_many_publish() {
    const TOPICS: usize = 7;
    const EACH: usize = 200;
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let (one, other) = (Node::at(&server.url()).await, Node::at(&server.url()).await);
    for topic in 0..TOPICS {
        one.listen(&format!("t{topic}")).await;
        other.listen(&format!("t{topic}")).await;
    }
    let mut publishers = Vec::new();
    for _ in 0..4 {
        let node = Node::at(&server.url()).await;
        publishers.push(tokio::spawn(async move {
            let mut places = Vec::new();
            for i in 0..EACH {
                places.push(node.publish(&format!("t{}", i % TOPICS), "data\n\n").await);
            }
            places
        }));
    }
    let mut published: Vec<Place> = Vec::new();
    for publisher in publishers {
        let places = publisher.await.unwrap();
        assert!(places.is_sorted_by(|a, b| a.sequence < b.sequence));
        published.extend(places);
    }
    published.sort_by_key(|place| place.sequence);
    let numbers = |handed: &[Handed]| -> Vec<u64> {
        handed
            .iter()
            .map(|(_, _, message)| message.sequence)
            .collect()
    };
    let handed = one.messages(4 * EACH).await;
    let expected: Vec<_> = published.iter().map(|place| place.sequence).collect();
    assert_eq!(numbers(&handed), expected);
    assert_eq!(other.messages(4 * EACH).await, handed);
    assert_eq!(
        expected.iter().collect::<HashSet<_>>().len(),
        expected.len()
    );
    // Within each topic each message names the one before it.
    for topic in 0..TOPICS {
        let topic = format!("t{topic}");
        let mut previous = 0;
        for (_, _, message) in handed.iter().filter(|(of, ..)| *of == topic) {
            assert_eq!(message.previous, previous);
            previous = message.sequence;
        }
    }
}

#[tokio::test]
async fn what_is_published_again_with_its_key_is_there_once() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let (one, other) = (Node::at(&server.url()).await, Node::at(&server.url()).await);
    one.listen("a").await;
    let first = one.publish_with("a", "1", Some("k")).await.unwrap();
    one.publish("a", "between").await;
    assert_eq!(
        other.publish_with("a", "1", Some("k")).await.unwrap(),
        first
    );
    assert_ne!(
        other.publish_with("b", "1", Some("k")).await.unwrap(),
        first
    );
    other.publish("a", "last").await;
    let handed: Vec<_> = one
        .messages(3)
        .await
        .iter()
        .map(|(.., m)| text(m))
        .collect();
    assert_eq!(handed, ["1", "between", "last"]);
    assert_eq!(other.texts("a", 0).await, handed);
    // A topic and a key that make the same text as others do are not taken for them.
    let first = one.publish_with("x:y", "1", Some("z")).await.unwrap();
    assert_ne!(
        one.publish_with("x", "1", Some("y:z")).await.unwrap(),
        first
    );
}

#[tokio::test]
async fn a_topic_may_be_called_anything() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = Node::at(&server.url()).await;
    let topics = [
        " ",
        "a b",
        "a.b.*",
        ">",
        "{x}",
        "}{",
        "*",
        "?[a-z]",
        "ä\u{1F980}\0\r\n\t",
        "live:a",
        ":",
        "\"'\\",
        "%s%n",
    ];
    for topic in topics {
        node.listen(topic).await;
    }
    for topic in topics {
        node.publish(topic, topic).await;
    }
    let handed = node.messages(topics.len()).await;
    for ((of, _, message), topic) in handed.iter().zip(topics) {
        assert_eq!((of.as_str(), text(message).as_str()), (topic, topic));
        assert_eq!(node.texts(topic, 0).await, [topic]);
    }
    let long = "x".repeat(64 * 1024);
    node.listen(&long).await;
    node.publish(&long, "long").await;
    assert_eq!(node.messages(topics.len() + 1).await.pop().unwrap().0, long);
}

#[tokio::test]
async fn an_event_of_a_mebibyte_arrives_as_it_was() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = Node::at(&server.url()).await;
    node.listen("big").await;
    let frame = format!(
        "data: {}\n\n",
        "\r\n\0\u{1}é\u{e000}!".repeat(104_856) + "\r\n\0\r\n\n\r\0"
    );
    assert_eq!(frame.len(), 1024 * 1024);
    node.publish("big", &frame).await;
    let (_, _, message) = node.messages(1).await.pop().unwrap();
    assert!(text(&message) == frame);
    // It is as large as all that may be kept of a topic.
    assert_eq!(node.read("big", 0).await.messages, [message]);
}

#[tokio::test]
async fn a_node_that_has_left_a_topic_is_handed_no_more_of_it_and_may_come_back() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = Node::at(&server.url()).await;
    for topic in ["a", "b"] {
        node.listen(topic).await;
    }
    node.publish("a", "1").await;
    node.engine.leave("a");
    // What is asked for later is done later.
    node.listen("c").await;
    node.publish("a", "2").await;
    node.publish("b", "3").await;
    node.engine.leave("b");
    node.engine.leave("b");
    node.listen("b").await;
    node.engine.leave("a");
    node.listen("a").await;
    node.publish("a", "4").await;
    node.publish("b", "5").await;
    let handed: Vec<_> = node
        .messages(4)
        .await
        .iter()
        .map(|(.., m)| text(m))
        .collect();
    assert_eq!(handed, ["1", "3", "4", "5"]);
}

#[tokio::test]
async fn a_frontier_is_behind_all_that_was_published_and_all_of_it_was_handed_over() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let (publisher, node) = (Node::at(&server.url()).await, Node::at(&server.url()).await);
    assert_eq!(node.frontier().await.sequence, 0);
    node.listen("a").await;
    for i in 0..100 {
        let topic = if i % 2 == 0 { "a" } else { "not listened to" };
        let place = publisher.publish(topic, "x").await;
        assert_eq!(node.frontier().await, place);
        // No waiting: it is there by now.
        let handed = node.inbox.all();
        assert_eq!(handed.len(), i / 2 + 1);
    }
}

#[tokio::test]
async fn an_engine_that_has_lost_its_newest_numbers_goes_on_behind_what_a_node_knows() {
    let Some(server) = engines::Redis::start() else {
        return;
    };
    let node = Node::at(&server.url()).await;
    let place = node.publish("a", "1").await;
    let ahead = Place {
        epoch: place.epoch,
        sequence: place.sequence + 3_600_000_000,
    };
    assert_eq!(node.engine.frontier(ahead).await.unwrap(), ahead);
    assert_eq!(node.publish("a", "2").await.sequence, ahead.sequence + 1);
    // What is of another epoch, or beyond all sense, moves nothing.
    let foreign = Place {
        epoch: place.epoch ^ 1,
        sequence: ahead.sequence + 1_000_000,
    };
    let absurd = Place {
        epoch: place.epoch,
        sequence: u64::MAX,
    };
    for known in [foreign, absurd] {
        let frontier = node.engine.frontier(known).await.unwrap();
        assert_eq!(frontier.sequence, ahead.sequence + 1);
    }
}
