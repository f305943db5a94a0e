//! Publishers on all nodes, clients that come and go at random, engines that do as well.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use sse_layer::hub::{Delivery, History};

use super::*;

const TOPICS: [&str; 3] = ["a", "b", "c"];

#[tokio::test(start_paused = true)]
async fn clients_that_change_nodes_at_random_get_each_event_once_and_in_order() {
    let builder = Hub::builder().queue(8, 1 << 20).max_history_bytes(20_000);
    let builder = builder.history(History::new().events(1_000_000).bytes(1 << 30));
    let nodes: [_; 3] = nodes_with(builder).await;
    let nodes = Arc::new(nodes);
    let published: Arc<Mutex<BTreeMap<u64, &str>>> = Arc::default();
    let mut publishers = tokio::task::JoinSet::new();
    for at in 0..3 {
        let (nodes, published) = (Arc::clone(&nodes), Arc::clone(&published));
        publishers.spawn(async move {
            for n in 0..1000 {
                let topic = TOPICS[fastrand::usize(..3)];
                if let Ok(id) = nodes[at].0.publish(topic, Event::text(n.to_string())).await {
                    published.lock().unwrap().insert(sequence(&id), topic);
                }
                tokio::time::sleep(Duration::from_millis(fastrand::u64(..4))).await;
            }
        });
    }
    let trouble = Arc::clone(&nodes);
    let trouble = tokio::spawn(async move {
        loop {
            let engine = &trouble[fastrand::usize(..3)].1;
            engine.answer_after(Duration::from_millis(fastrand::u64(..5)));
            tokio::time::sleep(Duration::from_millis(fastrand::u64(..60))).await;
            engine.disconnect();
            tokio::time::sleep(Duration::from_millis(fastrand::u64(..30))).await;
            engine.reconnect();
        }
    });
    let (is_over, over) = tokio::sync::watch::channel(None);
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..300 {
        let (nodes, over) = (Arc::clone(&nodes), over.clone());
        clients.spawn(client(nodes, n, over));
    }
    while publishers.join_next().await.transpose().unwrap().is_some() {}
    trouble.abort();
    let _ = trouble.await;
    for (_, engine) in nodes.iter() {
        engine.reconnect();
    }
    let last = *published.lock().unwrap().last_key_value().unwrap().0;
    is_over.send(Some(last)).unwrap();
    let published = published.lock().unwrap().clone();
    while let Some(client) = clients.join_next().await {
        let (topics, start, got) = client.unwrap();
        let own = published
            .range(start + 1..)
            .filter(|(_, topic)| topics.contains(topic));
        let own: Vec<_> = own.map(|(id, _)| *id).collect();
        assert_eq!(got, own);
    }
    for (hub, _) in nodes.iter() {
        assert_eq!(hub.stats().gaps, 0);
        assert!(hub.stats().engine.unwrap().outages > 0);
        assert!(hub.stats().history_bytes <= 20_000);
    }
}

/// Reads a while, and goes on at another node. Answers its topics, where it began, and what it got.
async fn client(
    nodes: Arc<[(Hub, Memory); 3]>,
    n: usize,
    mut over: tokio::sync::watch::Receiver<Option<u64>>,
) -> (Vec<&'static str>, u64, Vec<u64>) {
    let topics = TOPICS[..=n % 3].to_vec();
    let (mut id, mut start, mut got) = (None::<EventId>, None, Vec::new());
    loop {
        let hub = &nodes[fastrand::usize(..3)].0;
        let mut subscription = hub.subscribe_many(&topics).unwrap();
        if let Some(id) = &id {
            subscription = subscription.after(id.clone());
        }
        let mut deliveries = subscription.deliveries();
        let until = tokio::time::Instant::now() + Duration::from_millis(fastrand::u64(1..200));
        loop {
            // Topics may end before the last number of all, and positions tell of it.
            let last = *over.borrow_and_update();
            if last.is_some_and(|last| id.as_ref().is_some_and(|id| sequence(id) >= last)) {
                return (topics, start.unwrap(), got);
            }
            let next = tokio::time::timeout_at(until, deliveries.next()).await;
            let Ok(delivery) = next else { break };
            let at = match delivery {
                Some(Delivery::Message(message)) => {
                    start.get_or_insert(sequence(&message.id()) - 1);
                    got.push(sequence(&message.id()));
                    message.id()
                }
                Some(Delivery::Position(position)) => {
                    start.get_or_insert(sequence(&position));
                    position
                }
                other => panic!("{other:?}"),
            };
            assert!(
                id.is_none_or(|id| sequence(&id) <= sequence(&at)),
                "{at:?} is too late"
            );
            id = Some(at);
        }
    }
}
