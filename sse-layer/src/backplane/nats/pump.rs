//! Hands over what the subscriptions bring, in the order of its numbers.
//!
//! The server publishes what the stream has taken after it has given the stream's lock back, each
//! publisher's thread for itself: what comes out of several publishers is not in order, and a marker
//! may come before what is in front of it. So each node has a consumer of the whole stream besides,
//! which is asked for headers only. It tells the order; the subscriptions bring the bodies of the
//! topics that are listened to. What the one has told waits for what the other brings.
//!
//! A topic's queue is looked at only when its flag is up. A topic that is silent costs nothing.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use async_nats::{Message, Subject, Subscriber};
use futures_core::Stream;
use slab::Slab;
use tokio::{
    sync::{mpsc, oneshot},
    time::{self, Sleep},
};

use super::{
    Shared,
    delivery::{Delivery, number},
    ready::{Flag, Ready},
};
use crate::backplane::{Inbox, Stored};

/// How many messages are handed over before other tasks have their turn.
const TURN: usize = 256;

/// How many bodies may wait for their turn to be told, and how many bytes of them. More than that,
/// and the consumer that tells it is too slow.
const BODIES: (usize, usize) = (65_536, 64 * 1024 * 1024);

/// What the pump is told.
pub(super) enum Command {
    /// Hand over what this brings of a topic, which is published to this subject.
    Add {
        topic: Arc<str>,
        subject: String,
        subscriber: Subscriber,
        /// Tells it from others of the same topic.
        number: u64,
    },
    /// Hand over no more of the topic that is published to this subject; if there is a number, only
    /// if it was added with it.
    Remove {
        subject: String,
        number: Option<u64>,
    },
    /// The server has taken the subscription of this topic, which no marker can show.
    Taken { subject: String, number: u64 },
    /// This is to tell the order from now on. What has come before the answer is thrown away.
    Order {
        subscriber: Subscriber,
        begun: oneshot::Sender<()>,
    },
    /// A marker of this count is about to be published.
    Mark { count: u64 },
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
    marker: String,
    slots: Slab<Slot>,
    /// The topics' slots, by the subject that they are published to.
    keys: HashMap<String, usize>,
    /// The slot that tells the order.
    order: Option<usize>,
    ready: Arc<Ready>,
    /// Keys taken from `ready`, and not looked at yet.
    looking: Vec<usize>,
    /// What the order has told and is not handed over yet.
    told: VecDeque<Told>,
    /// What has come and is not handed over yet.
    bodies: HashMap<u64, Message>,
    /// How many bytes that is.
    bytes: usize,
    /// How long the body of the first that was told may still take.
    patience: Option<Pin<Box<Sleep>>>,
    /// Topics that no marker has shown yet to be listened to, and the marker that will.
    fresh: Vec<(usize, u64, Option<u64>)>,
    /// The last number of which it was decided whether it is handed over.
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
    /// About to be connected: what comes before the first marker is read by the node later.
    Gathering,
    /// The marker has come: what is behind it waits. Others may listen by now, so that none of it may
    /// be dropped.
    Gathered,
    Running {
        epoch: u64,
    },
}

struct Slot {
    carries: Carries,
    subscriber: Subscriber,
    flag: Arc<Flag>,
    waker: Waker,
    /// Tells it from a slot that had its key before.
    since: u64,
}

enum Carries {
    Topic {
        topic: Arc<str>,
        number: u64,
        is_fresh: bool,
        /// The last that the order has told of it; 0 if it has told none yet.
        last: u64,
    },
    /// The order, and how many have come of it.
    Order(u64),
    Advisories,
}

/// A message of the stream, without its body.
struct Told {
    sequence: u64,
    subject: Subject,
    /// If it is a marker, which.
    marker: Option<u64>,
}

impl Pump {
    pub(super) fn new(
        shared: Arc<Shared>,
        inbox: Arc<dyn Inbox>,
        commands: mpsc::UnboundedReceiver<Command>,
        advisories: Subscriber,
    ) -> Self {
        let mut pump = Self {
            marker: shared.subjects.marker(),
            shared,
            inbox,
            commands,
            slots: Slab::new(),
            keys: HashMap::new(),
            order: None,
            ready: Arc::new(Ready::default()),
            looking: Vec::new(),
            told: VecDeque::new(),
            bodies: HashMap::new(),
            bytes: 0,
            patience: None,
            fresh: Vec::new(),
            reached: 0,
            count: 0,
            state: Flow::Dry,
            has_begun: false,
        };
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
        entry.insert(Slot {
            carries,
            subscriber,
            flag,
            waker,
            since: self.count,
        });
        key
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Add {
                topic,
                subject,
                subscriber,
                number,
            } => {
                if self.keys.contains_key(&subject) {
                    return;
                }
                let carries = Carries::Topic {
                    topic,
                    number,
                    is_fresh: true,
                    last: 0,
                };
                let key = self.add(carries, subscriber);
                self.fresh.push((key, self.count, None));
                self.keys.insert(subject, key);
            }
            Command::Remove { subject, number } => self.remove(&subject, number),
            Command::Taken { subject, number } => self.settle_one(&subject, number),
            Command::Order { subscriber, begun } => {
                if let Some(key) = self.order.take() {
                    self.slots.try_remove(key);
                }
                // What has come before may have the numbers of a stream that is gone.
                self.look();
                self.forget();
                self.state = Flow::Gathering;
                self.order = Some(self.add(Carries::Order(0), subscriber));
                let _ = begun.send(());
            }
            Command::Mark { count } => {
                for (_, _, marker) in &mut self.fresh {
                    marker.get_or_insert(count);
                }
            }
            Command::Down => {
                self.state = Flow::Dry;
                self.forget();
                if self.has_begun {
                    self.inbox.disconnected();
                }
            }
            Command::Up { epoch } => {
                // If not, what was gathered was dropped, and it is about to be taken down again.
                if matches!(self.state, Flow::Gathering | Flow::Gathered) {
                    self.state = Flow::Running { epoch };
                }
                if self.has_begun {
                    self.inbox.reconnected();
                }
                self.has_begun = true;
            }
        }
    }

    fn remove(&mut self, subject: &str, number: Option<u64>) {
        let key = self.keys.get(subject).copied();
        let Some((key, slot)) = key.and_then(|key| Some((key, self.slots.get(key)?))) else {
            return;
        };
        let added = match &slot.carries {
            Carries::Topic { number, .. } => Some(*number),
            Carries::Order(_) | Carries::Advisories => None,
        };
        if number.is_none() || number == added {
            self.keys.remove(subject);
            self.slots.try_remove(key);
        }
    }

    /// Forgets whatever is not handed over yet.
    fn forget(&mut self) {
        self.told.clear();
        self.bodies.clear();
        self.bytes = 0;
        self.patience = None;
        self.reached = 0;
        for (_, slot) in &mut self.slots {
            if let Carries::Topic { last, .. } = &mut slot.carries {
                *last = 0;
            }
        }
    }

    /// Hands over nothing more until the link was taken down and is up again.
    fn stop(&mut self) {
        self.state = Flow::Dry;
        self.forget();
        self.shared.alarm.break_off();
    }

    /// Looks at all queues whose flag is up, until none is. Answers whether there was one.
    fn look(&mut self) -> bool {
        let mut any = false;
        loop {
            let mut looking = std::mem::take(&mut self.looking);
            self.ready.take(&mut looking);
            let none = looking.is_empty();
            for key in looking.drain(..) {
                self.look_at(key);
            }
            self.looking = looking;
            if none {
                return any;
            }
            any = true;
        }
    }

    /// Takes all that is in a queue.
    fn look_at(&mut self, key: usize) {
        for _ in 0..TURN {
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
            match &mut slot.carries {
                Carries::Advisories => advise(&self.shared, &message),
                Carries::Order(count) => {
                    self.shared.heard();
                    let delivery = Delivery::of(&message);
                    // A heartbeat tells how many have been sent, so that the last ones that were
                    // dropped are noticed too.
                    let sent = match delivery {
                        Some(delivery) => Some(delivery.count),
                        None => number(message.headers.as_ref(), "Nats-Last-Consumer"),
                    };
                    let expected = *count + u64::from(delivery.is_some());
                    *count = sent.unwrap_or(expected);
                    if self.state == Flow::Dry {
                        continue;
                    }
                    if *count == expected {
                        if let Some(delivery) = delivery {
                            let marker = number(message.headers.as_ref(), MARKER);
                            self.tell(delivery.sequence, message.subject, marker);
                        }
                    } else {
                        tracing::warn!("the NATS server was not listened to for too long");
                        self.stop();
                    }
                }
                Carries::Topic { .. } => {
                    // Without a number, somebody has published to where the stream publishes.
                    let sequence = number(message.headers.as_ref(), "Nats-Sequence");
                    match sequence {
                        Some(sequence) if sequence > self.reached && self.state != Flow::Dry => {
                            self.bytes += message.payload.len();
                            self.bodies.insert(sequence, message);
                        }
                        _ => {}
                    }
                }
            }
        }
        if let Some(slot) = self.slots.get(key) {
            slot.waker.wake_by_ref();
        }
    }

    /// This is the next in order.
    fn tell(&mut self, sequence: u64, subject: Subject, marker: Option<u64>) {
        let marker = marker.filter(|_| *subject == *self.marker);
        if let (Flow::Gathering, Some(count)) = (self.state, marker) {
            // The node reads what is before it.
            self.told.clear();
            self.bodies.retain(|body, _| *body > sequence);
            self.bytes = self.bodies.values().map(|body| body.payload.len()).sum();
            self.reached = sequence;
            self.state = Flow::Gathered;
            self.settle(count, sequence);
            return;
        }
        self.told.push_back(Told {
            sequence,
            subject,
            marker,
        });
    }

    /// A marker has come.
    fn settle(&mut self, count: u64, sequence: u64) {
        let slots = &mut self.slots;
        self.fresh.retain(|(key, since, marker)| {
            if marker.is_none_or(|marker| marker > count) {
                return true;
            }
            let slot = slots.get_mut(*key).filter(|slot| slot.since == *since);
            if let Some(Carries::Topic { is_fresh, .. }) = slot.map(|slot| &mut slot.carries) {
                *is_fresh = false;
            }
            false
        });
        self.shared.markers.arrive(count, sequence);
    }

    /// Whatever is told of this topic has a body, also if that comes later.
    fn settle_one(&mut self, subject: &str, added: u64) {
        let slot = self.keys.get(subject);
        let slot = slot.and_then(|key| self.slots.get_mut(*key));
        if let Some(Carries::Topic {
            number, is_fresh, ..
        }) = slot.map(|slot| &mut slot.carries)
        {
            *is_fresh &= *number != added;
        }
    }

    /// Hands over the next, if its body is there. Answers whether to go on.
    fn hand_over(&mut self) -> bool {
        let (Flow::Running { epoch }, Some(told)) = (self.state, self.told.front()) else {
            return false;
        };
        let (sequence, marker) = (told.sequence, told.marker);
        let slot = self.keys.get(&*told.subject);
        let slot = slot.and_then(|key| self.slots.get_mut(*key));
        let body = self.bodies.remove(&sequence);
        let size = body.as_ref().map_or(0, |body| body.payload.len());
        self.bytes = self.bytes.saturating_sub(size);
        if let Some(Carries::Topic {
            topic,
            last,
            is_fresh,
            ..
        }) = slot.map(|slot| &mut slot.carries)
        {
            // It is on its way.
            if body.is_none() && !*is_fresh {
                return false;
            }
            if let Some(body) = body {
                let previous = match *last {
                    0 => number(body.headers.as_ref(), "Nats-Last-Sequence").unwrap_or_default(),
                    last => last,
                };
                let stored = Stored {
                    sequence,
                    previous,
                    frame: body.payload,
                };
                self.inbox.message(topic, epoch, stored);
            }
            *last = sequence;
        }
        self.told.pop_front();
        self.patience = None;
        self.reached = sequence;
        if let Some(count) = marker {
            self.settle(count, sequence);
        }
        true
    }

    /// The next has no body yet. One that was dropped on its way does not come any more: then the
    /// node has to read.
    fn wait(&mut self, cx: &mut Context<'_>) {
        if self.bodies.len() > BODIES.0 || self.bytes > BODIES.1 {
            tracing::warn!("the NATS server tells the order too late");
            self.stop();
            return;
        }
        if self.told.is_empty() || matches!(self.state, Flow::Gathering | Flow::Gathered) {
            return;
        }
        let patience = self.shared.api.timeout;
        let patience = self
            .patience
            .get_or_insert_with(|| Box::pin(time::sleep(patience)));
        if patience.as_mut().poll(cx).is_ready() {
            tracing::warn!("the NATS server has dropped a message");
            self.stop();
        }
    }
}

impl Future for Pump {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.ready.register(cx);
        for _ in 0..TURN {
            while let Poll::Ready(command) = this.commands.poll_recv(cx) {
                let Some(command) = command else {
                    return Poll::Ready(());
                };
                this.obey(command);
            }
            // The queues are looked at only when there is nothing to hand over. So those of a node
            // that is too slow fill up, and the client drops what does not fit.
            if !this.hand_over() && !this.look() {
                this.wait(cx);
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// The header that tells markers from one another.
pub(super) const MARKER: &str = "Sse-Marker";

/// What the server tells of the stream.
fn advise(shared: &Shared, message: &Message) {
    match message.subject.split('.').nth(4) {
        Some("CREATED" | "DELETED" | "RESTORE_COMPLETE") => shared.alarm.doubt(),
        // The old leader may have taken what it had not sent on yet with it.
        Some("LEADER_ELECTED") => shared.alarm.break_off(),
        _ => {}
    }
}
