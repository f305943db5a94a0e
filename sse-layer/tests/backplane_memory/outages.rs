//! What tests can do to the engine `memory`.

use std::{
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use futures_util::FutureExt;
use sse_layer::backplane::{
    Backplane, Bounds, Failure, Inbox, Outgoing, Place, ReadLimit, Stored, memory::Memory,
};
use tokio::time::Instant;

const BOUNDS: Bounds = Bounds {
    events: 100_000,
    bytes: 1 << 30,
    age: Duration::from_secs(60),
    keys: Duration::from_secs(60),
};

const ALL: ReadLimit = ReadLimit {
    events: usize::MAX,
    bytes: usize::MAX,
};

#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Message(u64),
    Disconnected,
    Reconnected,
}

#[derive(Default)]
struct Notes(Mutex<Vec<Seen>>);

impl Notes {
    fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Inbox for Notes {
    fn message(&self, _topic: &str, _epoch: u64, message: Stored) {
        self.0.lock().unwrap().push(Seen::Message(message.sequence));
    }

    fn disconnected(&self) {
        self.0.lock().unwrap().push(Seen::Disconnected);
    }

    fn reconnected(&self) {
        self.0.lock().unwrap().push(Seen::Reconnected);
    }
}

/// A node that listens to the topic `t`.
async fn listening(node: Memory) -> (Memory, Arc<Notes>) {
    let notes = Arc::new(Notes::default());
    node.open(Arc::clone(&notes) as _, BOUNDS).await.unwrap();
    node.listen("t").await.unwrap();
    (node, notes)
}

async fn publish(node: &Memory) -> Result<Place, Failure> {
    publish_with(node, None).await
}

async fn publish_with(node: &Memory, key: Option<&str>) -> Result<Place, Failure> {
    let (topic, frame) = ("t", b"data: 1\n\n");
    let published = node.publish(Outgoing { topic, frame, key }).await;
    published.map_err(|failed| failed.failure())
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_cut_off_misses_what_others_publish_and_can_read_it() {
    let (here, _) = listening(Memory::new()).await;
    let (there, notes) = listening(here.node()).await;
    publish(&here).await.unwrap();
    there.disconnect();
    there.disconnect();
    publish(&here).await.unwrap();
    assert_eq!(publish(&there).await, Err(Failure::Unavailable));
    assert!(there.read("t", 0, ALL).await.is_err());
    there.reconnect();
    there.reconnect();
    publish(&here).await.unwrap();
    let expected = [
        Seen::Message(1),
        Seen::Disconnected,
        Seen::Reconnected,
        Seen::Message(3),
    ];
    assert_eq!(notes.take(), expected);
    let page = there.read("t", 1, ALL).await.unwrap();
    assert_eq!(page.messages.len(), 2);
    assert_eq!(page.missing, None);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_stopped_is_reached_by_no_node() {
    let (here, notes) = listening(Memory::new()).await;
    here.stop();
    let there = here.node();
    let inbox = Arc::new(Notes::default());
    let opened = there.open(Arc::clone(&inbox) as _, BOUNDS).await;
    assert_eq!(opened.unwrap_err().failure(), Failure::Unavailable);
    assert_eq!(publish(&here).await, Err(Failure::Unavailable));
    here.start();
    there.open(Arc::clone(&inbox) as _, BOUNDS).await.unwrap();
    there.listen("t").await.unwrap();
    publish(&here).await.unwrap();
    let expected = [Seen::Disconnected, Seen::Reconnected, Seen::Message(1)];
    assert_eq!(notes.take(), expected);
    // Of an outage before it was open, it is told nothing.
    assert_eq!(inbox.take(), [Seen::Message(1)]);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_lost_its_data_begins_another_epoch() {
    let (node, _) = listening(Memory::new()).await;
    let before = publish_with(&node, Some("key")).await.unwrap();
    node.lose_data();
    let page = node.read("t", 0, ALL).await.unwrap();
    assert!(page.messages.is_empty());
    let after = publish_with(&node, Some("key")).await.unwrap();
    assert_ne!(after.epoch, before.epoch);
    assert_eq!(after.sequence, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_not_published_and_what_is_unknown_is() {
    let (node, notes) = listening(Memory::new()).await;
    for failure in [Failure::Refused, Failure::Unavailable] {
        node.refuse(failure);
        assert_eq!(publish(&node).await, Err(failure));
    }
    assert_eq!(notes.take(), []);
    node.refuse(Failure::Unknown);
    let failed = publish_with(&node, Some("key")).await;
    assert_eq!(failed, Err(Failure::Unknown));
    assert_eq!(notes.take(), [Seen::Message(1)]);
    node.refuse(None);
    let again = publish_with(&node, Some("key")).await.unwrap();
    assert_eq!(again.sequence, 1);
    assert_eq!(notes.take(), []);

    node.refuse_reads(Failure::Refused);
    let failed = node.read("t", 0, ALL).await.unwrap_err();
    assert_eq!(failed.failure(), Failure::Refused);
    node.refuse_reads(None);
    assert!(node.read("t", 0, ALL).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_slow_engine_has_done_what_it_has_not_answered_yet() {
    let (node, notes) = listening(Memory::new()).await;
    node.answer_after(Duration::from_secs(3));
    let began = Instant::now();
    let late = tokio::time::timeout(Duration::from_secs(2), publish(&node)).await;
    assert!(late.is_err());
    assert_eq!(notes.take(), [Seen::Message(1)]);
    publish(&node).await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn what_is_held_back_comes_later_and_the_frontier_waits_for_it() {
    let (node, notes) = listening(Memory::new()).await;
    node.hold();
    let place = publish(&node).await.unwrap();
    let frontier = tokio::spawn({
        let node = node.clone();
        async move { node.frontier(place).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!frontier.is_finished());
    assert_eq!(notes.take(), []);
    node.release();
    assert_eq!(notes.take(), [Seen::Message(1)]);
    assert_eq!(frontier.await.unwrap().unwrap(), place);

    node.hold();
    let failed = node.frontier(place).await.unwrap_err();
    assert_eq!(failed.failure(), Failure::Unknown);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_takes_nothing_for_too_long_is_cut_off() {
    let (node, notes) = listening(Memory::new()).await;
    node.hold();
    for _ in 0..65_537 {
        publish(&node).await.unwrap();
    }
    node.release();
    publish(&node).await.unwrap();
    let expected = [Seen::Disconnected, Seen::Reconnected, Seen::Message(65_538)];
    assert_eq!(notes.take(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_frontier_fails_where_its_node_is_cut_off() {
    let (node, _) = listening(Memory::new()).await;
    let place = publish(&node).await.unwrap();
    node.hold();
    let frontier = tokio::spawn({
        let node = node.clone();
        async move { node.frontier(place).await }
    });
    tokio::task::yield_now().await;
    node.disconnect();
    let failed = frontier.await.unwrap().unwrap_err();
    assert_eq!(failed.failure(), Failure::Unavailable);
}

/// A hub lets go of its node when it is dropped, and the last that holds it may be its inbox.
#[tokio::test(start_paused = true)]
async fn an_inbox_may_drop_its_node_while_it_is_called() {
    #[derive(Default)]
    struct Last(Mutex<Option<Memory>>);
    impl Inbox for Last {
        fn message(&self, _topic: &str, _epoch: u64, _message: Stored) {
            drop(self.0.lock().unwrap().take());
        }
        fn disconnected(&self) {}
        fn reconnected(&self) {}
    }

    let (here, notes) = listening(Memory::new()).await;
    let there = here.node();
    let last = Arc::new(Last::default());
    there.open(Arc::clone(&last) as _, BOUNDS).await.unwrap();
    there.listen("t").await.unwrap();
    *last.0.lock().unwrap() = Some(there);
    publish(&here).await.unwrap();
    publish(&here).await.unwrap();
    assert_eq!(notes.take(), [Seen::Message(1), Seen::Message(2)]);
    assert_eq!(Arc::strong_count(&last), 1);
}

/// Where a node is dropped while its inbox is at work, another may be given its place.
#[test]
fn an_inbox_is_handed_nothing_of_a_node_that_came_after_its_own() {
    /// Is at its first message until it is let go.
    struct Long {
        notes: Notes,
        has_begun: mpsc::Sender<()>,
        may_end: Mutex<mpsc::Receiver<()>>,
    }

    impl Inbox for Long {
        fn message(&self, topic: &str, epoch: u64, message: Stored) {
            self.notes.message(topic, epoch, message);
            self.has_begun.send(()).unwrap();
            self.may_end.lock().unwrap().recv().unwrap();
        }
        fn disconnected(&self) {}
        fn reconnected(&self) {}
    }

    fn now<T>(call: impl Future<Output = T>) -> T {
        call.now_or_never().unwrap()
    }

    let (here, _) = now(listening(Memory::new()));
    let publish_in_a_thread = || {
        let here = here.clone();
        thread::spawn(move || now(publish(&here)).unwrap())
    };
    let listen = || {
        let (node, (has_begun, begun), (end, may_end)) =
            (here.node(), mpsc::channel(), mpsc::channel());
        let inbox = Arc::new(Long {
            notes: Notes::default(),
            has_begun,
            may_end: Mutex::new(may_end),
        });
        now(node.open(Arc::clone(&inbox) as _, BOUNDS)).unwrap();
        now(node.listen("t")).unwrap();
        (node, inbox, begun, end)
    };
    let (old, old_inbox, begun, end_old) = listen();
    let publishes_to_old = publish_in_a_thread();
    begun.recv().unwrap();
    drop(old);
    let (_new, new_inbox, begun, end_new) = listen();
    let publishes_to_new = publish_in_a_thread();
    begun.recv().unwrap();
    now(publish(&here)).unwrap();
    // The first goes on, while the next event is on its way to the new node.
    end_old.send(()).unwrap();
    drop(end_old);
    publishes_to_old.join().unwrap();
    end_new.send(()).unwrap();
    end_new.send(()).unwrap();
    publishes_to_new.join().unwrap();
    assert_eq!(old_inbox.notes.take(), [Seen::Message(1)]);
    let expected = [Seen::Message(2), Seen::Message(3)];
    assert_eq!(new_inbox.notes.take(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_node_is_opened_once_and_before_anything_else() {
    let (node, _) = listening(Memory::new()).await;
    let again = node.open(Arc::new(Notes::default()), BOUNDS).await;
    assert_eq!(again.unwrap_err().failure(), Failure::Refused);
    assert_eq!(publish(&node.node()).await, Err(Failure::Unavailable));
}
