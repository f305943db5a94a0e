//! Hubs that are nodes of one engine: what is published on one reaches the clients of all, and a
//! client goes on at any of them.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod between;
mod bounds;
mod odd;
mod outages;
mod publishing;
mod resume;
mod stress;
mod subscribing;
mod threads;
mod trouble;

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use sse_layer::{
    Event, EventId, Hub,
    backplane::memory::Memory,
    hub::{Deliveries, Delivery, HubBuilder, Subscription},
};

/// Longer than anything takes that is to happen.
const BOUND: Duration = Duration::from_secs(120);

/// Nodes of one engine, and what a test does to their connections with it.
async fn nodes<const N: usize>() -> [(Hub, Memory); N] {
    nodes_with(Hub::builder()).await
}

async fn nodes_with<const N: usize>(builder: HubBuilder) -> [(Hub, Memory); N] {
    let engine = Memory::new();
    let mut nodes = Vec::new();
    for _ in 0..N {
        nodes.push(node(&engine, builder.clone()).await);
    }
    nodes.try_into().unwrap()
}

async fn node(engine: &Memory, builder: HubBuilder) -> (Hub, Memory) {
    let node = engine.node();
    let hub = builder.backplane(node.clone()).await.unwrap();
    (hub, node)
}

async fn publish(hub: &Hub, topic: &str, text: impl ToString) -> EventId {
    let event = Event::text(text.to_string());
    hub.publish(topic, event).await.unwrap()
}

/// Subscribes, and waits until the client is told from where it reads.
async fn opened(subscription: Subscription) -> Deliveries {
    let mut deliveries = subscription.deliveries();
    match next(&mut deliveries).await {
        Some(Delivery::Position(_)) => deliveries,
        other => panic!("{other:?}"),
    }
}

async fn next(deliveries: &mut Deliveries) -> Option<Delivery> {
    let next = tokio::time::timeout(BOUND, deliveries.next()).await;
    next.expect("nothing comes")
}

/// The next so many deliveries, in words: `a` for a message's data, and what is told beside them.
async fn told(deliveries: &mut Deliveries, count: usize) -> Vec<String> {
    let mut told = Vec::new();
    for _ in 0..count {
        let next = tokio::time::timeout(BOUND, deliveries.next()).await;
        let next = next.unwrap_or_else(|_| panic!("nothing comes after {told:?}"));
        told.push(words(next));
    }
    told
}

fn words(delivery: Option<Delivery>) -> String {
    match delivery {
        None => "the end".into(),
        Some(Delivery::Message(message)) => message.data().unwrap().into_owned(),
        Some(Delivery::Gap(gap)) => format!("gap {}", gap.reason),
        Some(Delivery::Position(_)) => "at".into(),
        Some(other) => panic!("{other:?}"),
    }
}

/// Lets all tasks do what they can do now.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Asserts that nothing comes, however long one waits: not within this time.
async fn assert_silent(deliveries: &mut Deliveries, time: Duration) {
    let next = tokio::time::timeout(time, deliveries.next()).await;
    assert!(next.is_err(), "{:?}", next.unwrap());
}

fn sequence(id: &EventId) -> u64 {
    id.as_str().split_once('-').unwrap().1.parse().unwrap()
}

fn epoch(id: &EventId) -> u64 {
    let epoch = id.as_str().split_once('-').unwrap().0;
    u64::from_str_radix(epoch, 16).unwrap()
}

fn is_silent(deliveries: &mut Deliveries) -> bool {
    deliveries.next().now_or_never().is_none()
}
