//! A node that is kept from taking what comes: nothing grows without bound, and whatever was dropped
//! is noticed.

use std::{
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use sse_layer::backplane::{Backplane, Inbox, Stored, nats::Nats};

use crate::{
    engines,
    many::{count, monitor},
    node::{BOUNDS, Seen, Told},
};

/// As many as a subscription's queue takes.
const QUEUE: u64 = 65_536;

/// An inbox that takes a message only when it is let.
#[derive(Default)]
struct Gate {
    seen: Seen,
    let_in: Mutex<u64>,
    changed: Condvar,
}

impl Gate {
    fn let_in(&self, more: u64) {
        *self.let_in.lock().unwrap() += more;
        self.changed.notify_all();
    }
}

impl Inbox for Gate {
    fn message(&self, topic: &str, epoch: u64, message: Stored) {
        self.seen.message(topic, epoch, message);
        // The thread's other tasks go on elsewhere.
        tokio::task::block_in_place(|| {
            let mut let_in = self.let_in.lock().unwrap();
            while *let_in == 0 {
                let_in = self.changed.wait(let_in).unwrap();
            }
            *let_in -= 1;
        });
    }

    fn disconnected(&self) {
        self.seen.disconnected();
    }

    fn reconnected(&self) {
        self.seen.reconnected();
    }
}

/// A server, a node that listens to the topic `t` behind a gate, and a client beside it.
struct Scene {
    server: engines::Nats,
    monitored: std::net::SocketAddr,
    node: Nats,
    gate: Arc<Gate>,
    client: async_nats::Client,
}

impl Scene {
    async fn new() -> Option<Self> {
        let monitored = engines::free_port();
        let server = engines::Nats::start_with(&format!("http: \"{monitored}\""))?;
        // Long enough, so that it is not the silence that is noticed.
        let node = Nats::new(&server.url())
            .unwrap()
            .timeout(Duration::from_secs(24));
        let gate = Arc::new(Gate::default());
        node.open(gate.clone(), BOUNDS).await.unwrap();
        node.listen("t").await.unwrap();
        let client = async_nats::connect(server.url()).await.unwrap();
        Some(Self {
            server,
            monitored,
            node,
            gate,
            client,
        })
    }

    /// Publishes, and waits until the server has sent it to the node.
    async fn publish(&self, topic: &str, frame: &str, events: u64) {
        let sent = || count(&monitor(self.monitored, "varz")["out_msgs"]);
        let before = sent();
        // The order, and the body where the topic is listened to.
        let more = if topic == "other" { events } else { 2 * events };
        for _ in 0..events {
            let subject = format!("sse.in.{topic}");
            let frame = frame.to_owned().into();
            self.client.publish(subject, frame).await.unwrap();
        }
        self.client.flush().await.unwrap();
        while sent() < before + more {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_was_left_while_it_was_on_its_way_is_not_counted() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    scene.node.listen("u").await.unwrap();
    scene.publish("t", "first", 1).await;
    scene.gate.seen.until(|told| told.len() == 1).await;
    scene.publish("t", "second", 1).await;
    let large = "x".repeat(8_000_000);
    scene.publish("u", &large, 9).await;
    scene.gate.let_in(1);
    scene.gate.seen.until(|told| told.len() == 2).await;
    scene.node.leave("u");
    scene.gate.let_in(u64::from(u32::MAX));
    scene.publish("t", "third", 1).await;
    scene.gate.seen.until(|told| told.len() == 3).await;
    assert_eq!(scene.gate.seen.count(&Told::Disconnected), 0);
}
