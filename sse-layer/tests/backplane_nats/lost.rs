//! What is dropped on its way between the server and a node, as a server does with one that is slow,
//! and a client with what does not fit into a queue. No connection is lost.

use std::{collections::HashSet, time::Duration};

use sse_layer::backplane::{Backplane, Failure, nats::Nats};
use tokio::{sync::oneshot, time::timeout};

use crate::{
    engines,
    node::{ALL, Node, PATIENCE, Told, eventually},
    sieve::{Passing, Sieve},
};

/// An event of a topic that is listened to.
fn is_body(passing: &Passing<'_>) -> bool {
    passing.subject.starts_with("sse.out.")
}

/// That there was an event, told by the consumer that tells the order.
fn is_order(passing: &Passing<'_>) -> bool {
    passing.reply.starts_with("$JS.ACK.")
}

fn is_heartbeat(passing: &Passing<'_>) -> bool {
    passing.content.starts_with(b"NATS/1.0 100 Idle")
}

/// A node behind a sieve that has been handed the event `1` of the topic `t`, and another node that
/// publishes.
struct Scene {
    node: Node,
    other: Node,
    sieve: Sieve,
    _server: engines::Nats,
}

impl Scene {
    async fn new(timeout: Duration) -> Option<Self> {
        Self::with("", |engine| engine.timeout(timeout)).await
    }

    /// With a server of this configuration, and with a node of more options.
    async fn with(config: &str, more: impl Fn(Nats) -> Nats) -> Option<Self> {
        let server = engines::Nats::start_with(config)?;
        let sieve = Sieve::to(server.addr());
        let engine = more(Nats::new(&sieve.url()).unwrap());
        let node = Node::open(engine).await.unwrap();
        // Where there are users at all, there is this one.
        let engine = Nats::new(&server.url()).unwrap();
        let other = Node::open(engine.user_and_password("other", "s3cr3t"))
            .await
            .unwrap();
        node.listen("t").await.unwrap();
        other.put("t", "1").await.unwrap();
        node.seen.until(|told| told.len() == 1).await;
        Some(Self {
            node,
            other,
            sieve,
            _server: server,
        })
    }

    /// Waits until the node was told to read, and sees that it goes on.
    async fn is_noticed(&self, before: &[&str]) {
        self.node.seen.until_told(&Told::Disconnected, 1).await;
        self.sieve.keep_nothing_back();
        self.node.seen.until_told(&Told::Reconnected, 1).await;
        self.other.put("t", "last").await.unwrap();
        self.node
            .seen
            .until(|told| matches!(told.last(), Some(Told::Message(..))))
            .await;
        self.node.seen.assert_alternates();
        assert_eq!(self.node.seen.frames("t"), [before, &["last"]].concat());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_dropped_is_noticed_and_what_is_behind_it_not_handed_over() {
    let Some(scene) = Scene::new(Duration::from_secs(1)).await else {
        return;
    };
    scene.sieve.keep_back_one(is_body);
    for frame in ["2", "3"] {
        scene.other.put("t", frame).await.unwrap();
    }
    scene.is_noticed(&["1"]).await;
    assert_eq!(scene.node.kept("t").await, ["1", "2", "3", "last"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_dropped_is_noticed_by_a_node_that_may_not_publish() {
    let users = "users: [
        { user: node, password: s3cr3t, permissions: { publish: { deny: \"sse.in.>\" } } }
        { user: other, password: s3cr3t }
    ]";
    let config = format!("authorization {{ {users} }}");
    let scene = Scene::with(&config, |engine| {
        let engine = engine.user_and_password("node", "s3cr3t");
        engine.timeout(Duration::from_secs(1))
    });
    let Some(scene) = scene.await else {
        return;
    };
    scene.sieve.keep_back_one(is_body);
    for frame in ["2", "3"] {
        scene.other.put("t", frame).await.unwrap();
    }
    scene.is_noticed(&["1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_ends_when_the_connection_is_lost() {
    let Some(scene) = Scene::new(Duration::from_secs(600)).await else {
        return;
    };
    let (kept, is_kept) = oneshot::channel();
    let mut kept = Some(kept);
    scene.sieve.keep_back(move |passing| {
        let text = String::from_utf8_lossy(passing.content);
        let is_answer = text.contains("\"stream\":\"sse\"") && text.contains("\"seq\":");
        if let Some(kept) = kept.take_if(|_| is_answer) {
            kept.send(()).unwrap();
        }
        is_answer
    });
    let node = &scene.node;
    let cutting = async {
        is_kept.await.unwrap();
        scene.sieve.keep_nothing_back();
        scene.sieve.cut();
    };
    let (put, ()) = timeout(PATIENCE, async {
        tokio::join!(node.put_key("t", "2", Some("k")), cutting)
    })
    .await
    .unwrap();
    assert_eq!(put.unwrap_err().failure(), Failure::Unknown);
    eventually(|| node.put_key("t", "2", Some("k"))).await;
    assert_eq!(node.kept("t").await, ["1", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn that_the_order_is_dropped_in_the_middle_is_noticed_at_once() {
    // Neither patience nor silence are at an end within the test's time.
    let Some(scene) = Scene::new(Duration::from_secs(600)).await else {
        return;
    };
    scene.sieve.keep_back_one(is_order);
    for frame in ["2", "3"] {
        scene.other.put("t", frame).await.unwrap();
    }
    scene.is_noticed(&["1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn that_the_order_is_dropped_at_the_end_is_told_by_the_next_heartbeat() {
    let Some(scene) = Scene::new(Duration::from_secs(3)).await else {
        return;
    };
    scene.sieve.keep_back_one(is_order);
    scene.other.put("t", "2").await.unwrap();
    scene.is_noticed(&["1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_silent_is_made_anew() {
    let Some(scene) = Scene::new(Duration::from_secs(1)).await else {
        return;
    };
    // The server goes on sending, and the node's other questions are answered.
    let mut first = None;
    scene.sieve.keep_back(move |passing| {
        if is_heartbeat(passing) && first.is_none() {
            first = Some(passing.subscription.to_owned());
        }
        first.as_deref() == Some(passing.subscription)
    });
    scene.is_noticed(&["1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_which_the_order_tells_nothing_do_not_pile_up() {
    let Some(scene) = Scene::new(Duration::from_secs(600)).await else {
        return;
    };
    scene.sieve.keep_back(is_order);
    let frame = "x".repeat(8_000_000);
    // More than 64 MiB.
    for _ in 0..9 {
        scene.other.put("t", &frame).await.unwrap();
    }
    scene.is_noticed(&["1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_whose_answer_is_lost_is_asked_again() {
    let Some(server) = engines::Nats::start() else {
        return;
    };
    let sieve = Sieve::to(server.addr());
    // The first answer of each kind.
    let mut kinds = HashSet::new();
    sieve.keep_back(move |passing| {
        let text = String::from_utf8_lossy(passing.content);
        let kind = text.split('"').find(|part| part.starts_with("io.nats."));
        kind.is_some_and(|kind| kinds.insert(kind.to_owned()))
    });
    let engine = || {
        Nats::new(&sieve.url())
            .unwrap()
            .timeout(Duration::from_secs(2))
    };
    let node = Node::open(engine()).await.unwrap();
    node.put("t", "x").await.unwrap();
    assert_eq!(node.kept("t").await, ["x"]);
    sieve.keep_back_one(|passing| {
        let text = String::from_utf8_lossy(passing.content);
        text.contains("io.nats.jetstream.api.v1.consumer_create_response")
    });
    assert_eq!(node.newest("t", ALL).await.unwrap().messages.len(), 1);
    assert_eq!(node.seen.count(&Told::Disconnected), 0);
}
