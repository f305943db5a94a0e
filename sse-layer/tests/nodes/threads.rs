//! What happens on several threads at once.

use std::sync::Arc;

use super::*;

/// Outages, and topics that are behind and in step again, at the same time as clients look at them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_waits_for_a_topic_that_is_behind_is_woken_when_it_is_not() {
    let [(one, _), (two, engine)] = nodes().await;
    let two = Arc::new(two);
    const ROUNDS: usize = 2000;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let client = opened(two.subscribe_many(["a", "b"]).unwrap()).await;
        clients.push(client);
    }
    for round in 0..ROUNDS {
        engine.disconnect();
        publish(&one, if round % 2 == 0 { "a" } else { "b" }, round).await;
        engine.reconnect();
        for client in &mut clients {
            loop {
                match told(client, 1).await.remove(0) {
                    at if at == "at" => {}
                    data => break assert_eq!(data, round.to_string()),
                }
            }
        }
    }
    assert_eq!(two.stats().gaps, 0);
}

/// Clients that come and go, topics that are left and taken up, an engine that loses everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn losses_in_the_middle_of_everything_are_told_and_leave_nothing_behind() {
    let builder = Hub::builder().max_history_bytes(20_000);
    let nodes: [_; 2] = nodes_with(builder).await;
    let nodes = Arc::new(nodes);
    let is_over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..8 {
        let (nodes, is_over) = (Arc::clone(&nodes), Arc::clone(&is_over));
        tasks.spawn(async move {
            while !is_over.load(std::sync::atomic::Ordering::SeqCst) {
                let topics = &["a", "b", "c"][..=fastrand::usize(..3)];
                let mut client = nodes[n % 2].0.subscribe_many(topics).unwrap().deliveries();
                let until = tokio::time::Instant::now() + Duration::from_millis(20);
                let (mut epoch, mut last) = (String::new(), 0);
                while let Ok(next) = tokio::time::timeout_at(until, client.next()).await {
                    let (id, is_message) = match next {
                        Some(Delivery::Message(message)) => (message.id(), true),
                        Some(Delivery::Gap(gap)) => (gap.id, false),
                        Some(Delivery::Position(id)) => (id, false),
                        other => panic!("{other:?}"),
                    };
                    let number = sequence(&id);
                    let its = id.as_str().split_once('-').unwrap().0;
                    if its != epoch {
                        assert!(epoch.is_empty() || !is_message, "a loss is not told");
                        (epoch, last) = (its.to_owned(), 0);
                    }
                    assert!(
                        number > last || (!is_message && number >= last),
                        "{number} {last}"
                    );
                    last = number;
                }
            }
        });
    }
    for n in 0..4 {
        let (nodes, is_over) = (Arc::clone(&nodes), Arc::clone(&is_over));
        tasks.spawn(async move {
            while !is_over.load(std::sync::atomic::Ordering::SeqCst) {
                let topic = ["a", "b", "c"][fastrand::usize(..3)];
                let _ = nodes[n % 2].0.publish(topic, Event::text("x")).await;
                if fastrand::u8(..4) == 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                // It fails at once in an outage.
                tokio::task::yield_now().await;
            }
        });
    }
    for _ in 0..200 {
        let engine = &nodes[fastrand::usize(..2)].1;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(..10))).await;
        match fastrand::u8(..3) {
            0 => engine.lose_data(),
            _ => engine.disconnect(),
        }
        tokio::time::sleep(Duration::from_millis(fastrand::u64(..5))).await;
        engine.reconnect();
    }
    is_over.store(true, std::sync::atomic::Ordering::SeqCst);
    while tasks.join_next().await.transpose().unwrap().is_some() {}
    // What is kept is of topics that are there: it goes with them.
    for (hub, engine) in nodes.iter() {
        let mut clients = Vec::new();
        for topic in ["a", "b", "c"] {
            clients.push(hub.subscribe(topic).unwrap().deliveries());
        }
        // They have begun, with whatever.
        for client in &mut clients {
            next(client).await;
        }
        engine.lose_data();
        publish(hub, "a", "x").await;
        for client in &mut clients {
            while words(next(client).await) != "gap outage" {}
        }
        drop(clients);
        assert!(hub.stats().history_bytes < 2000, "{:?}", hub.stats());
    }
}
