//! What is read while others publish.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
    mpsc,
};

use sse_layer::backplane::{Backplane, Bounds, Page, ReadLimit, nats::Nats};
use tokio::sync::oneshot;

use crate::{
    engines,
    node::{ALL, BOUNDS, NOWHERE, Node, PATIENCE},
    sieve::Sieve,
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

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_no_hole_where_what_is_behind_it_goes_while_it_is_read() {
    const KEPT: usize = 600;

    let Some(server) = engines::Nats::start() else {
        return;
    };
    let bounds = Bounds {
        events: KEPT,
        ..BOUNDS
    };
    let sieve = Sieve::to(server.addr());
    // The connection stands still meanwhile.
    let engine = Nats::new(&sieve.url()).unwrap().timeout(PATIENCE);
    let node = Node::open_with(engine, bounds).await.unwrap();
    let engine = Nats::new(&server.url()).unwrap();
    let other = Node::open_with(engine, bounds).await.unwrap();
    let mut numbers = 1..;
    let mut publish = async |count: usize| {
        for number in numbers.by_ref().take(count) {
            other.put("t", &number.to_string()).await.unwrap();
        }
    };
    publish(KEPT).await;
    let (reached, is_reached) = oneshot::channel();
    let (go_on, may_go_on) = mpsc::channel();
    let (mut reached, mut read) = (Some(reached), 0);
    // What has a body is read; the order is told without.
    sieve.keep_back(move |passing| {
        let is_head = passing
            .content
            .windows(13)
            .any(|part| part == b"Nats-Msg-Size");
        read += usize::from(passing.reply.starts_with("$JS.ACK.") && !is_head);
        if read == KEPT / 2 {
            if let Some(reached) = reached.take() {
                reached.send(()).unwrap();
                may_go_on.recv().unwrap();
            }
        }
        false
    });
    let reading = async {
        let limit = ReadLimit {
            events: KEPT - 10,
            bytes: usize::MAX,
        };
        node.read("t", 0, limit).await.unwrap()
    };
    let evicting = async {
        is_reached.await.unwrap();
        publish(KEPT - 50).await;
        go_on.send(()).unwrap();
    };
    let (page, ()) = tokio::join!(reading, evicting);
    assert_whole(&page);
    let first = page.messages.first().unwrap();
    assert_eq!(page.missing, Some(first.sequence - 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missing_behind_what_is_there_and_behind_what_is_younger_than_the_stream() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let bounds = Bounds {
        events: 3,
        ..BOUNDS
    };
    let engine = Nats::new(&server.url()).unwrap();
    let node = Node::open_with(engine, bounds).await.unwrap();
    let elsewhere = node.put("u", "x").await.unwrap().sequence;
    let mut places = Vec::new();
    for number in 0..5 {
        // The numbers between are another topic's.
        node.put("v", "x").await.unwrap();
        let place = node.put("t", &number.to_string()).await.unwrap();
        places.push(place.sequence);
        if number == 0 {
            let page = node.read("t", elsewhere, ALL).await.unwrap();
            assert_eq!((page.missing, page.messages.len()), (None, 1));
        }
    }
    // The second is the oldest that is there, though it is not given any more.
    let page = node.read("t", places[1], ALL).await.unwrap();
    assert_eq!((page.missing, page.messages.len()), (None, 3));
    let page = node.read("t", places[0], ALL).await.unwrap();
    assert!(page.missing.is_some_and(|missing| missing >= places[1]));
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
