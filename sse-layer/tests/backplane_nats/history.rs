//! What is read while others publish.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sse_layer::backplane::{Backplane, Bounds, Page, ReadLimit, nats::Nats};

use crate::{
    engines,
    node::{ALL, BOUNDS, NOWHERE, Node},
};

/// A client that publishes 1, 2, 3 and so on to the topic `t`, as fast as it can.
struct Counting {
    ended: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Counting {
    async fn to(server: &engines::Nats) -> Self {
        let client = async_nats::connect(server.url()).await.unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn({
            let ended = Arc::clone(&ended);
            async move {
                let mut number = 0_u64;
                while !ended.load(Ordering::Relaxed) {
                    number += 1;
                    let frame = number.to_string().into();
                    client.publish("sse.in.t", frame).await.unwrap();
                    if number % 1_000 == 0 {
                        client.flush().await.unwrap();
                    }
                }
            }
        });
        Self { ended, task }
    }

    async fn end(self) {
        self.ended.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
    }
}

/// That nothing is missing of a page but what it tells.
fn assert_whole(page: &Page) {
    let number = |frame: &[u8]| std::str::from_utf8(frame).unwrap().parse::<u64>().unwrap();
    for pair in page.messages.windows(2) {
        let (one, next) = (&pair[0], &pair[1]);
        assert_eq!(number(&next.frame), number(&one.frame) + 1);
        assert_eq!(next.previous, one.sequence);
    }
    if let (Some(missing), Some(first)) = (page.missing, page.messages.first()) {
        assert!(missing < first.sequence);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_page_has_no_hole_while_the_oldest_are_thrown_away() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let bounds = Bounds {
        events: 3,
        ..BOUNDS
    };
    let engine = Nats::new(&server.url()).unwrap();
    let node = Node::open_with(engine, bounds).await.unwrap();
    let counting = Counting::to(&server).await;
    for _ in 0..60 {
        assert_whole(&node.read("t", 0, ALL).await.unwrap());
        let newest = ReadLimit { events: 2, ..ALL };
        let page = node.newest("t", newest).await.unwrap();
        assert_whole(&page);
    }
    counting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lost_numbers_are_used_up_once() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let node = Arc::new(Node::at(&server).await);
    let mut at = node.frontier(NOWHERE).await.unwrap();
    at.sequence += 1_000;
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let node = Arc::clone(&node);
        asking.spawn(async move { node.frontier(at).await.unwrap() });
    }
    while let Some(place) = asking.join_next().await {
        let sequence = place.unwrap().sequence;
        assert!(
            (at.sequence..at.sequence + 500).contains(&sequence),
            "{sequence} for {}",
            at.sequence
        );
    }
}
