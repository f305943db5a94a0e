//! Hands over what the subscriptions bring, in the order in which the connection brought it.
//!
//! The client puts each message into the queue of its subscription, one after another as they come
//! in. So when a message can be taken from one queue, everything that came before it is in its own
//! queue already, and that queue's flag is up. The pump therefore holds one message of each queue
//! that has any, looks at queues until no flag is up, and hands over the lowest number: nothing
//! lower can come then. A queue that is silent costs nothing.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use async_nats::{HeaderMap, Message, Subscriber};
use futures_core::Stream;
use slab::Slab;
use tokio::sync::mpsc;

use super::{
    Shared,
    ready::{Flag, Ready},
};
use crate::backplane::{Inbox, Stored};

/// How many messages are handed over before other tasks have their turn.
const TURN: usize = 256;

/// What the pump is told.
pub(super) enum Command {
    /// Hand over what this brings.
    Add {
        topic: Arc<str>,
        subscriber: Subscriber,
        /// Tells it from others of the same topic.
        number: u64,
    },
    /// Hand over no more of this topic; if there is a number, only if it was added with it.
    Remove {
        topic: Arc<str>,
        number: Option<u64>,
    },
    /// The connection is lost.
    Down,
    /// It is there again, with this epoch's stream.
    Up { epoch: u64 },
}

/// The future that hands over for as long as the node lives.
pub(super) struct Pump {
    shared: Arc<Shared>,
    inbox: Arc<dyn Inbox>,
    commands: mpsc::UnboundedReceiver<Command>,
    slots: Slab<Slot>,
    keys: HashMap<Arc<str>, (usize, u64)>,
    ready: Arc<Ready>,
    /// Keys taken from `ready`, and not looked at yet.
    looking: Vec<usize>,
    heads: BinaryHeap<Reverse<Head>>,
    /// The slots that are newer than the last marker.
    fresh: Vec<(usize, u64)>,
    /// The last number that was handed over.
    reached: u64,
    /// How many slots there have been.
    count: u64,
    state: Flow,
    has_begun: bool,
}

/// Whether messages are handed over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Not connected: whatever comes is read by the node later.
    Dry,
    Running {
        epoch: u64,
    },
}

struct Slot {
    carries: Carries,
    subscriber: Subscriber,
    flag: Arc<Flag>,
    waker: Waker,
    /// Up to this number the others were handed over before this one was added.
    floor: u64,
    /// Tells it from a slot that had its key before.
    since: u64,
}

enum Carries {
    Topic(Arc<str>),
    Markers,
    Advisories,
}

/// The first message of a queue.
struct Head {
    sequence: u64,
    key: usize,
    since: u64,
    message: Message,
}

impl Pump {
    pub(super) fn new(
        shared: Arc<Shared>,
        inbox: Arc<dyn Inbox>,
        commands: mpsc::UnboundedReceiver<Command>,
        markers: Subscriber,
        advisories: Subscriber,
    ) -> Self {
        let mut pump = Self {
            shared,
            inbox,
            commands,
            slots: Slab::new(),
            keys: HashMap::new(),
            ready: Arc::new(Ready::default()),
            looking: Vec::new(),
            heads: BinaryHeap::new(),
            fresh: Vec::new(),
            reached: 0,
            count: 0,
            state: Flow::Dry,
            has_begun: false,
        };
        pump.add(Carries::Markers, markers);
        pump.add(Carries::Advisories, advisories);
        pump
    }

    fn add(&mut self, carries: Carries, subscriber: Subscriber) -> usize {
        self.count += 1;
        let entry = self.slots.vacant_entry();
        let key = entry.key();
        let flag = Flag::new(key, &self.ready);
        let waker = Waker::from(Arc::clone(&flag));
        waker.wake_by_ref();
        self.fresh.push((key, self.count));
        entry.insert(Slot {
            carries,
            subscriber,
            flag,
            waker,
            floor: self.reached,
            since: self.count,
        });
        key
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Add {
                topic,
                subscriber,
                number,
            } => {
                if !self.keys.contains_key(&topic) {
                    let key = self.add(Carries::Topic(Arc::clone(&topic)), subscriber);
                    self.keys.insert(topic, (key, number));
                }
            }
            Command::Remove { topic, number } => {
                let Some(&(key, added)) = self.keys.get(&topic) else {
                    return;
                };
                if number.is_none_or(|number| number == added) {
                    self.keys.remove(&topic);
                    self.slots.try_remove(key);
                }
            }
            Command::Down => {
                self.state = Flow::Dry;
                self.heads.clear();
                self.raise_all();
                if self.has_begun {
                    self.inbox.disconnected();
                }
            }
            Command::Up { epoch } => {
                // What has come before is not handed over, since the node reads it: some of it may
                // have the numbers of a stream that is gone.
                self.look();
                for (_, slot) in &mut self.slots {
                    slot.floor = 0;
                }
                self.fresh.clear();
                self.reached = 0;
                self.state = Flow::Running { epoch };
                if self.has_begun {
                    self.inbox.reconnected();
                }
                self.has_begun = true;
            }
        }
    }

    /// Has every queue looked at again.
    fn raise_all(&mut self) {
        for (_, slot) in &self.slots {
            slot.waker.wake_by_ref();
        }
    }

    /// Looks at all queues whose flag is up, until none is. Answers whether there was one.
    fn look(&mut self) -> bool {
        let mut any = false;
        loop {
            let mut looking = std::mem::take(&mut self.looking);
            if looking.is_empty() {
                self.ready.take(&mut looking);
            }
            if looking.is_empty() {
                self.looking = looking;
                return any;
            }
            any = true;
            for key in looking.drain(..) {
                self.look_at(key);
            }
            self.looking = looking;
        }
    }

    /// Takes one message from a queue, and all of them as long as nothing is handed over.
    fn look_at(&mut self, key: usize) {
        loop {
            let Some(slot) = self.slots.get_mut(key) else {
                return;
            };
            slot.flag.lower();
            let mut cx = Context::from_waker(&slot.waker);
            let Poll::Ready(message) = Pin::new(&mut slot.subscriber).poll_next(&mut cx) else {
                return;
            };
            // The queue ends when the client is gone for good.
            let Some(message) = message else { return };
            let sequence = number(message.headers.as_ref(), "Nats-Sequence");
            match (&slot.carries, sequence) {
                (Carries::Advisories, _) => advise(&self.shared, &message),
                // Somebody has published to where the stream publishes.
                (_, None) => tracing::debug!(subject = %message.subject, "no number"),
                (Carries::Markers, Some(sequence)) if self.state == Flow::Dry => {
                    self.shared.markers.arrive(&message.payload, sequence);
                }
                (_, Some(_)) if self.state == Flow::Dry => {}
                (_, Some(sequence)) => {
                    let since = slot.since;
                    self.heads.push(Reverse(Head {
                        sequence,
                        key,
                        since,
                        message,
                    }));
                    return;
                }
            }
        }
    }

    /// Hands over the lowest. Answers whether there was one.
    fn hand_over(&mut self, epoch: u64) -> bool {
        let Some(Reverse(head)) = self.heads.pop() else {
            return false;
        };
        let Some(slot) = self.slots.get(head.key).filter(|slot| slot.since == head.since) else {
            return true;
        };
        self.looking.push(head.key);
        if head.sequence <= slot.floor {
            return true;
        }
        if head.sequence <= self.reached {
            // Numbers that go back are those of another stream.
            self.state = Flow::Dry;
            self.heads.clear();
            self.raise_all();
            self.shared.alarm.break_off();
            return true;
        }
        self.reached = head.sequence;
        match &slot.carries {
            Carries::Topic(topic) => {
                let headers = head.message.headers.as_ref();
                let previous = number(headers, "Nats-Last-Sequence").unwrap_or_default();
                let stored = Stored {
                    sequence: head.sequence,
                    previous,
                    frame: head.message.payload,
                };
                self.inbox.message(topic, epoch, stored);
            }
            Carries::Markers => {
                self.shared
                    .markers
                    .arrive(&head.message.payload, head.sequence);
                // What comes of these from now on was published after they were added.
                for (key, since) in self.fresh.drain(..) {
                    let slot = self.slots.get_mut(key);
                    if let Some(slot) = slot.filter(|slot| slot.since == since) {
                        slot.floor = 0;
                    }
                }
            }
            Carries::Advisories => {}
        }
        true
    }
}

impl Future for Pump {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.ready.register(cx);
        for _ in 0..TURN {
            loop {
                let mut quiet = true;
                while let Poll::Ready(command) = this.commands.poll_recv(cx) {
                    let Some(command) = command else {
                        return Poll::Ready(());
                    };
                    this.obey(command);
                    quiet = false;
                }
                quiet &= !this.look();
                if quiet {
                    break;
                }
            }
            let Flow::Running { epoch } = this.state else {
                return Poll::Pending;
            };
            if !this.hand_over(epoch) {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.sequence == other.sequence
    }
}

impl Eq for Head {}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.sequence.cmp(&other.sequence)
    }
}

/// The number in a header.
fn number(headers: Option<&HeaderMap>, name: &'static str) -> Option<u64> {
    headers?.get(name)?.as_str().parse().ok()
}

/// What the server tells of the stream.
fn advise(shared: &Shared, message: &Message) {
    match message.subject.split('.').nth(4) {
        Some("CREATED" | "DELETED" | "RESTORE_COMPLETE") => shared.alarm.doubt(),
        // The old leader may have taken what it had not sent on yet with it.
        Some("LEADER_ELECTED") => shared.alarm.break_off(),
        _ => {}
    }
}
