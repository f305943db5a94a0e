//! What is published on one node reaches the subscribers of all.

use std::time::Duration;

use sse_layer::hub::Delivery;

use super::*;

#[tokio::test(start_paused = true)]
async fn what_one_node_publishes_reaches_the_subscribers_of_all_under_the_same_id() {
    let [(one, _), (two, _), (three, _)] = nodes().await;
    let mut clients = Vec::new();
    for hub in [&one, &two, &three] {
        clients.push(opened(hub.subscribe("news").unwrap()).await);
    }
    for (hub, text) in [(&one, "a"), (&two, "b"), (&three, "c")] {
        let id = publish(hub, "news", text).await;
        for client in &mut clients {
            match next(client).await {
                Some(Delivery::Message(message)) => {
                    assert_eq!(message.id(), id);
                    assert_eq!(message.data().unwrap(), text);
                    assert_eq!(message.topic(), "news");
                    let frame = format!("id: {id}\ndata: {text}\n\n");
                    assert_eq!(message.frame().as_bytes(), frame.as_bytes());
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_node_publishes_after_it_has_subscribed_is_its_own_however_late_it_is_read() {
    let [(one, engine)] = nodes().await;
    engine.answer_after(Duration::from_millis(50));
    publish(&one, "news", "before").await;
    let client = one.subscribe("news").unwrap();
    let begun = tokio::time::Instant::now();
    publish(&one, "news", "a").await;
    publish(&one, "news", "b").await;
    // Two calls until it is listened to, and these two.
    assert_eq!(begun.elapsed(), Duration::from_millis(200));
    let mut client = client.deliveries();
    assert_eq!(told(&mut client, 2).await, ["a", "b"]);
    assert!(is_silent(&mut client));
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_comes_to_a_topic_with_others_gets_what_comes_from_then_on() {
    let [(one, _), (two, _)] = nodes().await;
    let mut first = opened(one.subscribe("news").unwrap()).await;
    publish(&two, "news", "a").await;
    assert_eq!(told(&mut first, 1).await, ["a"]);
    let second = one.subscribe("news").unwrap();
    publish(&two, "news", "b").await;
    assert_eq!(told(&mut second.deliveries(), 1).await, ["b"]);
    assert_eq!(told(&mut first, 1).await, ["b"]);
}

#[tokio::test(start_paused = true)]
async fn several_topics_of_several_nodes_are_one_stream_in_the_order_of_ids() {
    let [(one, _), (two, _), (three, _)] = nodes().await;
    let topics = ["a", "b", "c"];
    let mut client = opened(three.subscribe_many(topics).unwrap()).await;
    let mut published = Vec::new();
    for n in 0..300 {
        let hub = if n % 2 == 0 { &one } else { &two };
        published.push(publish(hub, topics[n % 3], n).await);
    }
    for id in published {
        match next(&mut client).await {
            Some(Delivery::Message(message)) => assert_eq!(message.id(), id),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn ids_that_come_early_on_one_topic_wait_for_what_another_has_missed() {
    let [(one, _), (two, engine)] = nodes().await;
    let mut client = opened(two.subscribe_many(["a", "b"]).unwrap()).await;
    engine.disconnect();
    publish(&one, "a", "a1").await;
    publish(&one, "b", "b2").await;
    publish(&one, "a", "a3").await;
    // What was missed takes long to be read, and what comes meanwhile does not.
    engine.answer_after(Duration::from_secs(1));
    engine.reconnect();
    publish(&one, "b", "b4").await;
    assert_eq!(told(&mut client, 4).await, ["a1", "b2", "a3", "b4"]);
}

#[tokio::test(start_paused = true)]
async fn a_topic_without_subscribers_is_left_after_a_while() {
    let [(one, _), (two, _)] = nodes().await;
    let client = opened(one.subscribe("news").unwrap()).await;
    drop(client);
    assert_eq!(one.stats().topics, 1);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(one.stats().topics, 0);
    assert_eq!(one.stats().history_bytes, 0);
    publish(&two, "news", "a").await;
    settle().await;
    assert_eq!(one.stats().topics, 0);
    // And whoever comes then is served as before.
    let mut client = opened(one.subscribe("news").unwrap()).await;
    publish(&two, "news", "b").await;
    assert_eq!(told(&mut client, 1).await, ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_left_and_taken_up_at_the_same_time_is_listened_to() {
    let [(one, _), (two, _)] = nodes().await;
    for round in 0..200 {
        let client = opened(one.subscribe("news").unwrap()).await;
        drop(client);
        // Around the time at which it is left.
        tokio::time::sleep(Duration::from_millis(14_000 + 50 * round)).await;
        let mut client = opened(one.subscribe("news").unwrap()).await;
        publish(&two, "news", round).await;
        assert_eq!(told(&mut client, 1).await, [round.to_string()]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_event_is_given_to_nobody_and_the_next_is() {
    use sse_layer::backplane::{Backplane, Outgoing};

    let [(one, engine)] = nodes().await;
    let mut client = opened(one.subscribe("news").unwrap()).await;
    let by_hand = async |frame: &'static [u8]| {
        let topic = "news";
        let event = Outgoing {
            topic,
            frame,
            key: None,
        };
        engine.publish(event).await.unwrap();
    };
    by_hand(b"data: by hand").await;
    by_hand(b"id: 7\ndata: with an id\n\n").await;
    by_hand(b"data: two\n\ndata: at once\n\n").await;
    by_hand(b"\xff").await;
    publish(&one, "news", "after").await;
    assert_eq!(told(&mut client, 2).await, ["by hand", "after"]);
    // Nor to those who read it from the engine.
    let [(two, _)] = [node(&engine, Hub::builder()).await];
    let mut late = two.subscribe("news").unwrap().from_the_first().deliveries();
    assert_eq!(told(&mut late, 2).await, ["by hand", "after"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_of_a_quiet_topic_is_told_how_far_the_engine_is_now_and_then() {
    let [(one, _), (two, _)] = nodes().await;
    let mut client = opened(one.subscribe("quiet").unwrap()).await;
    let other = publish(&two, "busy", "a").await;
    match next(&mut client).await {
        Some(Delivery::Position(id)) => assert_eq!(id, other),
        other => panic!("{other:?}"),
    }
    // And not again where there is nothing new.
    assert_silent(&mut client, Duration::from_secs(3600)).await;
}

#[tokio::test(start_paused = true)]
async fn the_newest_message_is_known_on_every_node() {
    let [(one, _), (two, _)] = nodes().await;
    assert!(two.newest("news").await.unwrap().is_none());
    publish(&one, "news", "a").await;
    let id = publish(&one, "news", "b").await;
    let newest = two.newest("news").await.unwrap().unwrap();
    assert_eq!(newest.id(), id);
    assert_eq!(newest.data().unwrap(), "b");
    // Also where there is a subscriber, who was there before or came after it.
    let mut client = opened(two.subscribe("news").unwrap()).await;
    assert_eq!(two.newest("news").await.unwrap().unwrap().id(), id);
    let id = publish(&one, "news", "c").await;
    told(&mut client, 1).await;
    assert_eq!(two.newest("news").await.unwrap().unwrap().id(), id);
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_is_dropped_leaves_the_engine() {
    let [(one, _), (two, _)] = nodes().await;
    let client = one.subscribe("news").unwrap();
    let weak = one.downgrade();
    drop(one);
    assert!(weak.upgrade().is_some());
    drop(client);
    assert!(weak.upgrade().is_none());
    publish(&two, "news", "a").await;
    settle().await;
    // One driver is left, the other hub's.
    let tasks = tokio::runtime::Handle::current().metrics();
    assert_eq!(tasks.num_alive_tasks(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_topics_that_are_opened_later_than_others_nothing_is_missing_between() {
    for begins in [|it| it, |it: Subscription| it.recent(1)] {
        let [(one, _), (two, engine)] = nodes().await;
        let _warm = opened(two.subscribe("warm").unwrap()).await;
        engine.answer_after(Duration::from_millis(10));
        let client = two.subscribe_many(["cold", "warm"]).unwrap();
        let mut client = begins(client).deliveries();
        settle().await;
        for (n, topic) in ["warm", "cold", "warm", "cold", "cold"].iter().enumerate() {
            publish(&one, topic, n).await;
        }
        assert_eq!(told(&mut client, 5).await, ["0", "1", "2", "3", "4"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_while_its_topics_catch_up_gets_all_from_some_place_on() {
    let [(one, _), (two, engine)] = nodes().await;
    let mut long = opened(two.subscribe("long").unwrap()).await;
    let _short = opened(two.subscribe("short").unwrap()).await;
    engine.disconnect();
    let mut all: Vec<_> = (0..1000).map(|n| n.to_string()).collect();
    for n in &all {
        publish(&one, "long", n).await;
    }
    publish(&one, "short", "short").await;
    all.push("short".into());
    engine.answer_after(Duration::from_millis(10));
    engine.reconnect();
    let mut clients = Vec::new();
    for _ in 0..20 {
        let client = two.subscribe_many(["short", "long"]).unwrap();
        let mut client = client.deliveries();
        let first = client.next().now_or_never().map(words);
        clients.push((client, Vec::from_iter(first)));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(told(&mut long, 1000).await, all[..1000]);
    publish(&one, "short", "new").await;
    all.push("new".into());
    let mut places = std::collections::BTreeSet::new();
    for (client, got) in &mut clients {
        while got.last().is_none_or(|last| last != "new") {
            got.extend(told(client, 1).await);
        }
        got.retain(|words| words != "at");
        assert!(all.ends_with(got), "{got:?}");
        places.insert(got.len());
    }
    assert!(places.len() > 1, "{places:?}");
}
