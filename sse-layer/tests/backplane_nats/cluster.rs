//! Servers of a cluster that are killed: whatever was acknowledged is there, once and in order.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use serde_json::Value;
use sse_layer::backplane::{Backplane, Bounds, Place, ReadLimit, Stored, nats::Nats};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use crate::{
    engines::Cluster,
    node::{BOUNDS, Node, PATIENCE, Told, eventually},
};

const KEEPING_ALL: Bounds = Bounds {
    events: 1_000_000,
    ..BOUNDS
};

/// Publishes numbered frames to the topic `t`, each of them until it is acknowledged.
struct Publisher {
    name: &'static str,
    places: watch::Receiver<Vec<Place>>,
    ended: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Publisher {
    fn start(name: &'static str, node: &Arc<Node>) -> Self {
        let (acknowledged, places) = watch::channel(Vec::new());
        let ended = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn({
            let (node, ended) = (Arc::clone(node), Arc::clone(&ended));
            async move {
                for number in 0.. {
                    let frame = format!("{name}-{number}");
                    let place = eventually(|| node.put_key("t", &frame, Some(&frame))).await;
                    acknowledged.send_modify(|places| places.push(place));
                    if ended.load(Ordering::Relaxed) {
                        break;
                    }
                }
            }
        });
        Self {
            name,
            places,
            ended,
            task,
        }
    }

    /// Waits until so many more are acknowledged.
    async fn until_more(&mut self, count: usize) {
        let there = self.places.borrow().len();
        let more = self.places.wait_for(|places| places.len() >= there + count);
        let more = timeout(PATIENCE, more).await;
        more.expect("publishing to come back").unwrap();
    }

    /// The places of all its frames.
    async fn end(self) -> Vec<Place> {
        self.ended.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
        self.places.borrow().clone()
    }
}

/// What the cluster tells of the stream, of which it may not tell anything for a while.
async fn until_stream(cluster: &Cluster, at: usize, is_so: impl Fn(&Value) -> bool) -> Value {
    let client = async_nats::connect(cluster[at].url()).await.unwrap();
    let asking = async {
        loop {
            let info = client.request("$JS.API.STREAM.INFO.sse", "".into()).await;
            if let Ok(info) = info {
                let info: Value = serde_json::from_slice(&info.payload).unwrap();
                if is_so(&info["cluster"]) {
                    return info;
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let asked = timeout(PATIENCE, asking).await;
    asked.expect("the stream to be as awaited")
}

/// Waits until all servers have all of the stream. Answers which of them leads.
async fn until_whole(cluster: &Cluster, at: usize) -> usize {
    let is_whole = |info: &Value| {
        let followers = info["replicas"].as_array();
        let is_there =
            |follower: &Value| follower["current"] == true && follower["offline"] != true;
        info["leader"].is_string()
            && followers
                .is_some_and(|all| all.len() + 1 == cluster.len() && all.iter().all(is_there))
    };
    let info = until_stream(cluster, at, is_whole).await;
    cluster.named(info["cluster"]["leader"].as_str().unwrap())
}

/// All that is kept of the topic `t`.
async fn kept(node: &Node) -> Vec<Stored> {
    let limit = ReadLimit {
        events: 1_000,
        bytes: usize::MAX,
    };
    let mut all: Vec<Stored> = Vec::new();
    loop {
        let after = all.last().map_or(0, |stored| stored.sequence);
        let page = eventually(|| node.read("t", after, limit)).await;
        assert_eq!(page.missing, None);
        all.extend(page.messages);
        if !page.has_more {
            return all;
        }
    }
}

/// That of what was handed over nothing is doubled, out of order or not there, and that nothing is
/// left out between two losses of the connection.
fn assert_handed_over(told: &[Told], kept: &[Stored]) {
    let places = kept.iter().enumerate();
    let places: HashMap<_, _> = places.map(|(at, stored)| (stored.sequence, at)).collect();
    let (mut last, mut is_first) = (0, true);
    for told in told {
        let Told::Message(_, _, stored) = told else {
            is_first = true;
            continue;
        };
        let at = places[&stored.sequence];
        assert_eq!(stored.frame, kept[at].frame);
        assert_eq!(stored.previous, kept[at].previous, "{stored:?}");
        assert!(stored.sequence > last, "{} after {last}", stored.sequence);
        assert!(
            is_first || stored.previous == last,
            "a hole before {stored:?}"
        );
        (last, is_first) = (stored.sequence, false);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Killed {
    Leader,
    Follower,
}

/// Kills a server while two nodes publish by different ones.
async fn outlives(killed: Killed) {
    let Some(mut cluster) = Cluster::start(3) else {
        return;
    };
    let open = |url: String| async move {
        let engine = Nats::new(&url).unwrap().replicas(3);
        Node::open_with(engine, KEEPING_ALL).await
    };
    let url = cluster.url();
    let listener = eventually(|| open(url.clone())).await;
    let leader = until_whole(&cluster, 0).await;
    let follower = (leader + 1) % 3;
    let one = Arc::new(eventually(|| open(cluster[leader].url())).await);
    let two = Arc::new(eventually(|| open(cluster[follower].url())).await);
    for node in [&listener, &one, &two] {
        eventually(|| node.listen("t")).await;
    }
    let mut publishers = [Publisher::start("one", &one), Publisher::start("two", &two)];
    for publisher in &mut publishers {
        publisher.until_more(100).await;
    }
    let begun = Instant::now();
    match killed {
        Killed::Leader => cluster[leader].kill(),
        Killed::Follower => cluster[follower].kill(),
    }
    for publisher in &mut publishers {
        publisher.until_more(100).await;
        eprintln!("{} goes on after {:?}", publisher.name, begun.elapsed());
    }
    let mut acknowledged = Vec::new();
    for publisher in publishers {
        acknowledged.push((publisher.name, publisher.end().await));
    }
    let last = eventually(|| listener.put_key("t", "last", Some("last"))).await;
    let all = kept(&listener).await;
    assert_eq!(all.last().unwrap().sequence, last.sequence);
    let expected: usize = acknowledged.iter().map(|(_, places)| places.len()).sum();
    assert_eq!(all.len(), expected + 1);
    for (name, places) in acknowledged {
        let own = all
            .iter()
            .filter(|stored| stored.frame.starts_with(name.as_bytes()));
        for (number, (place, stored)) in places.iter().zip(own).enumerate() {
            assert_eq!(stored.frame, format!("{name}-{number}"));
            assert_eq!((place.epoch, place.sequence), (last.epoch, stored.sequence));
        }
    }
    for node in [&listener, &one, &two] {
        let is_last = |told: &Told| matches!(told, Told::Message(_, _, stored) if stored.sequence == last.sequence);
        // A node that is not told of it is told that it has to read.
        node.seen
            .until(|told| told.iter().any(is_last) || told.last() == Some(&Told::Reconnected))
            .await;
        eprintln!("all after {:?}", begun.elapsed());
        node.seen.assert_alternates();
        assert_handed_over(&node.seen.all(), &all);
        assert_eq!(kept(node).await, all);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_whose_leader_is_killed_goes_on_without_loss() {
    outlives(Killed::Leader).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_whose_follower_is_killed_goes_on_without_loss() {
    outlives(Killed::Follower).await;
}
