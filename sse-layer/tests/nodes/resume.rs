//! A client that has left one node goes on at another.

use sse_layer::{
    LastEventId,
    hub::{Delivery, History},
};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_client_goes_on_at_a_node_that_has_never_heard_of_its_topic() {
    let [(one, _), (two, _)] = nodes().await;
    let mut ids = Vec::new();
    for n in 0..600 {
        ids.push(publish(&one, "news", n).await);
    }
    for seen in [0, 1, 300, 598] {
        let client = two.subscribe("news").unwrap().after(ids[seen].clone());
        let mut client = client.deliveries();
        let missed: Vec<_> = (seen + 1..600).map(|n| n.to_string()).collect();
        assert_eq!(told(&mut client, missed.len()).await, missed);
        assert!(is_silent(&mut client));
    }
    let mut client = two
        .subscribe("news")
        .unwrap()
        .after(ids[599].clone())
        .deliveries();
    publish(&one, "news", "new").await;
    assert_eq!(told(&mut client, 1).await, ["new"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_node_has_itself_it_does_not_ask_the_engine_for() {
    let [(one, _), (two, _)] = nodes().await;
    let mut client = opened(two.subscribe("news").unwrap()).await;
    let mut ids = Vec::new();
    for n in 0..100 {
        ids.push(publish(&one, "news", n).await);
        told(&mut client, 1).await;
    }
    for (seen, id) in ids.iter().enumerate() {
        let mut late = two
            .subscribe("news")
            .unwrap()
            .after(id.clone())
            .deliveries();
        let missed: Vec<_> = (seen + 1..100).map(|n| n.to_string()).collect();
        assert_eq!(told(&mut late, missed.len()).await, missed);
    }
    assert_eq!(two.stats().engine.unwrap().reads, 0);
}

#[tokio::test(start_paused = true)]
async fn clients_that_come_back_together_share_what_is_read_from_the_engine() {
    let [(one, _), (two, engine)] = nodes().await;
    let mut ids = Vec::new();
    for n in 0..200 {
        ids.push(publish(&one, "news", n).await);
    }
    engine.answer_after(Duration::from_millis(10));
    let mut clients: Vec<_> = (0..100)
        .map(|_| two.subscribe("news").unwrap().after(ids[10].clone()))
        .map(Subscription::deliveries)
        .collect();
    let missed: Vec<_> = (11..200).map(|n| n.to_string()).collect();
    for client in &mut clients {
        assert_eq!(told(client, missed.len()).await, missed);
    }
    assert_eq!(two.stats().engine.unwrap().reads, 1);
}

/// A node that has not heard of a topic of 2,600 events, and their ids. Its engine answers after
/// 10 ms.
async fn a_cold_node() -> (Hub, Vec<EventId>) {
    let history = History::new().events(5000);
    let [(one, _), (two, engine)] = nodes_with(Hub::builder().history(history)).await;
    let mut ids = Vec::new();
    for n in 0..2600 {
        ids.push(publish(&one, "news", n).await);
    }
    engine.answer_after(Duration::from_millis(10));
    (two, ids)
}

async fn reads(mut client: Deliveries, these: std::ops::Range<usize>) {
    let these: Vec<_> = these.map(|n| n.to_string()).collect();
    assert_eq!(told(&mut client, these.len()).await, these);
}

#[tokio::test(start_paused = true)]
async fn clients_of_different_ids_share_what_is_read_from_the_engine() {
    let (two, ids) = a_cold_node().await;
    let mut clients = tokio::task::JoinSet::new();
    for (seen, id) in ids.iter().take(100).enumerate() {
        let client = two.subscribe("news").unwrap().after(id.clone());
        clients.spawn(reads(client.deliveries(), seen + 1..2600));
    }
    clients.join_all().await;
    // There are eleven pages.
    let reads = two.stats().engine.unwrap().reads;
    assert!(reads <= 15, "{reads}");
}

#[tokio::test(start_paused = true)]
async fn clients_that_are_far_from_each_other_do_not_wait_for_each_others_pages() {
    let (two, ids) = a_cold_node().await;
    let begin = tokio::time::Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for seen in [0, 700, 1400, 2100] {
        let client = two.subscribe("news").unwrap().after(ids[seen].clone());
        clients.spawn(reads(client.deliveries(), seen + 1..seen + 500));
    }
    clients.join_all().await;
    // To be opened takes two calls. Two pages each: the first may be waited for in vain.
    assert!(
        begin.elapsed() <= Duration::from_millis(50),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn between_what_is_read_and_what_comes_nothing_is_lost_or_doubled() {
    let [(one, _), (two, engine)] = nodes().await;
    for round in 0..50 {
        let topic = format!("topic {round}");
        let first = publish(&one, &topic, 0).await;
        for n in 1..round * 20 {
            publish(&one, &topic, n).await;
        }
        engine.answer_after(Duration::from_millis(round % 7));
        let client = two.subscribe(&topic).unwrap().after(first);
        let publisher = async {
            for n in 0..100 {
                publish(&one, &topic, format!("live {n}")).await;
                tokio::time::sleep(Duration::from_millis(n % 3)).await;
            }
        };
        let reader = async {
            let mut client = client.deliveries();
            let before: Vec<_> = (1..round * 20).map(|n| n.to_string()).collect();
            let live: Vec<_> = (0..100).map(|n| format!("live {n}")).collect();
            let all = [before, live].concat();
            assert_eq!(told(&mut client, all.len()).await, all);
        };
        tokio::join!(publisher, reader);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_from_a_node_that_is_ahead_is_no_stranger() {
    let [(one, _), (two, engine)] = nodes().await;
    let mut other = opened(two.subscribe("news").unwrap()).await;
    engine.hold();
    let id = publish(&one, "news", "a").await;
    let mut client = two.subscribe("news").unwrap().after(id).deliveries();
    settle().await;
    assert!(is_silent(&mut client));
    engine.release();
    assert_eq!(told(&mut other, 1).await, ["a"]);
    publish(&one, "news", "b").await;
    assert_eq!(told(&mut client, 1).await, ["b"]);
    assert_eq!(told(&mut other, 1).await, ["b"]);
}

#[tokio::test(start_paused = true)]
async fn an_id_that_nobody_has_given_out_is_unknown_and_one_of_another_engine_is_foreign() {
    let [(one, _), (two, _)] = nodes().await;
    let id = publish(&one, "news", "a").await;
    let (epoch, sequence) = id.as_str().split_once('-').unwrap();
    let ahead = format!("{epoch}-{}", sequence.parse::<u64>().unwrap() + 1000);
    for (id, gap) in [
        (ahead.as_str(), "gap unknown"),
        ("0000000000000001-1", "gap foreign"),
        ("what is this", "gap unknown"),
    ] {
        let id = EventId::new(id).unwrap();
        let mut client = two.subscribe("news").unwrap().after(id).deliveries();
        assert_eq!(told(&mut client, 2).await, [gap, "a"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_begins_with_the_newest_that_the_engine_has() {
    let [(one, _), (two, _)] = nodes().await;
    for n in 0..10 {
        publish(&one, "news", n).await;
    }
    let mut cold = two.subscribe("news").unwrap().recent(3).deliveries();
    assert_eq!(told(&mut cold, 3).await, ["7", "8", "9"]);
    publish(&one, "news", 10).await;
    assert_eq!(told(&mut cold, 1).await, ["10"]);
    // One of them is here by now.
    let mut warm = two.subscribe("news").unwrap().recent(3).deliveries();
    assert_eq!(told(&mut warm, 3).await, ["8", "9", "10"]);
    let reads = two.stats().engine.unwrap().reads;
    let mut warm = two.subscribe("news").unwrap().recent(1).deliveries();
    assert_eq!(told(&mut warm, 1).await, ["10"]);
    assert_eq!(two.stats().engine.unwrap().reads, reads);
    // More than there are, and of a topic in which there is nothing.
    let mut all = two.subscribe("news").unwrap().recent(100).deliveries();
    assert_eq!(told(&mut all, 11).await.len(), 11);
    let mut none = two.subscribe("none").unwrap().recent(3).deliveries();
    publish(&one, "none", "a").await;
    assert_eq!(told(&mut none, 1).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_begins_with_the_first_of_a_topic_and_is_told_if_it_is_gone() {
    let history = History::new().events(5);
    let [(one, _), (two, _)] = nodes_with(Hub::builder().history(history)).await;
    for n in 0..5 {
        publish(&one, "answer", n).await;
    }
    let mut client = two
        .subscribe("answer")
        .unwrap()
        .from_the_first()
        .deliveries();
    assert_eq!(told(&mut client, 5).await, ["0", "1", "2", "3", "4"]);
    publish(&one, "answer", 5).await;
    // Longer than what was read is kept for others.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let mut client = two
        .subscribe("answer")
        .unwrap()
        .from_the_first()
        .deliveries();
    let all = told(&mut client, 6).await;
    assert_eq!(all, ["gap evicted", "1", "2", "3", "4", "5"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_last_event_is_gone_is_told_on_every_node() {
    let history = History::new().events(5);
    let [(one, _), (two, _), (three, _)] = nodes_with(Hub::builder().history(history)).await;
    let mut warm = opened(two.subscribe("news").unwrap()).await;
    let first = publish(&one, "news", "first").await;
    for n in 0..6 {
        publish(&one, "news", n).await;
    }
    assert_eq!(told(&mut warm, 7).await.len(), 7);
    for hub in [&one, &two, &three] {
        let mut client = hub
            .subscribe("news")
            .unwrap()
            .after(first.clone())
            .deliveries();
        let all = told(&mut client, 6).await;
        assert_eq!(all, ["gap evicted", "1", "2", "3", "4", "5"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_resume_over_several_topics_is_in_the_order_of_ids_on_a_cold_node() {
    let [(one, _), (two, engine)] = nodes().await;
    let topics = ["a", "b", "c"];
    let mut published = Vec::new();
    for n in 0..900 {
        published.push(publish(&one, topics[n % 3], n).await);
    }
    engine.answer_after(Duration::from_millis(3));
    let client = two
        .subscribe_many(topics)
        .unwrap()
        .after(published[10].clone());
    let mut client = client.deliveries();
    for id in &published[11..] {
        match next(&mut client).await {
            Some(Delivery::Message(message)) => assert_eq!(message.id(), *id),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_reads_from_the_engine_what_its_node_has_let_go() {
    let builder = Hub::builder().queue(4, 1 << 20).max_history_bytes(2000);
    let [(one, _), (two, _)] = nodes_with(builder).await;
    let mut client = opened(two.subscribe("news").unwrap()).await;
    for n in 0..500 {
        publish(&one, "news", n).await;
    }
    let all: Vec<_> = (0..500).map(|n| n.to_string()).collect();
    assert_eq!(told(&mut client, 500).await, all);
    assert!(two.stats().engine.unwrap().reads > 0);
    assert!(two.stats().history_bytes <= 2000);
}

#[tokio::test(start_paused = true)]
async fn a_client_without_an_id_gets_what_comes() {
    let [(one, _), (two, _)] = nodes().await;
    publish(&one, "news", "before").await;
    let client = two.subscribe("news").unwrap().after(LastEventId::default());
    let mut client = opened(client).await;
    publish(&one, "news", "after").await;
    assert_eq!(told(&mut client, 1).await, ["after"]);
}
