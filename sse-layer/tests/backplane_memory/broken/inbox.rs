//! Inboxes between an engine and a node, in which messages suffer.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use sse_layer::backplane::{Bounds, Inbox, Stored};
use tokio::sync::mpsc;

use super::Fault;

pub(super) struct Faulty {
    fault: Fault,
    node: usize,
    bounds: Bounds,
    inbox: Arc<dyn Inbox>,
    count: AtomicUsize,
    held_back: Mutex<Option<(String, u64, Stored)>>,
    is_cut_off: Arc<AtomicBool>,
    was_cut_off: AtomicBool,
}

impl Faulty {
    pub(super) fn new(
        fault: Fault,
        node: usize,
        bounds: Bounds,
        inbox: Arc<dyn Inbox>,
        is_cut_off: Arc<AtomicBool>,
    ) -> Self {
        Self {
            fault,
            node,
            bounds,
            inbox,
            count: AtomicUsize::new(0),
            held_back: Mutex::default(),
            is_cut_off,
            was_cut_off: AtomicBool::new(false),
        }
    }
}

impl Inbox for Faulty {
    fn message(&self, topic: &str, epoch: u64, mut message: Stored) {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let is_tenth = count % 10 == 9;
        match self.fault {
            Fault::LosesMessages if is_tenth => return,
            Fault::ForgetsATopicInOutages
                if topic == "99" && self.was_cut_off.load(Ordering::Relaxed) =>
            {
                return;
            }
            Fault::LivesOnHistory if self.bounds.events == 0 => return,
            Fault::DoublesMessages if is_tenth => {
                self.inbox.message(topic, epoch, message.clone());
            }
            Fault::Reorders if is_tenth => {
                *self.held_back.lock().unwrap() = Some((topic.to_owned(), epoch, message));
                return;
            }
            Fault::ForgetsPrevious => message.previous = 0,
            Fault::TellsThePreviousOfAll => message.previous = message.sequence - 1,
            _ => {}
        }
        let epoch = match self.fault {
            Fault::HasAnEpochANode => epoch ^ self.node as u64,
            _ => epoch,
        };
        self.inbox.message(topic, epoch, message);
        let held_back = self.held_back.lock().unwrap().take();
        if let Some((topic, epoch, message)) = held_back {
            self.inbox.message(&topic, epoch, message);
        }
    }

    fn disconnected(&self) {
        self.is_cut_off.store(true, Ordering::Relaxed);
        self.was_cut_off.store(true, Ordering::Relaxed);
        if self.fault != Fault::SaysNothingOfOutages {
            self.inbox.disconnected();
        }
    }

    fn reconnected(&self) {
        self.is_cut_off.store(false, Ordering::Relaxed);
        if self.fault != Fault::SaysNothingOfOutages {
            self.inbox.reconnected();
        }
        if self.fault == Fault::TellsTwice {
            self.inbox.reconnected();
        }
    }
}

/// Hands over from a task of its own, of which nobody waits for the end.
pub(super) struct Late(mpsc::UnboundedSender<(String, u64, Stored)>);

impl Late {
    pub(super) fn new(inbox: Arc<dyn Inbox>) -> Self {
        let (sender, mut messages) = mpsc::unbounded_channel::<(String, u64, Stored)>();
        tokio::spawn(async move {
            while let Some((topic, epoch, message)) = messages.recv().await {
                inbox.message(&topic, epoch, message);
            }
        });
        Self(sender)
    }
}

impl Inbox for Late {
    fn message(&self, topic: &str, epoch: u64, message: Stored) {
        let _ = self.0.send((topic.to_owned(), epoch, message));
    }

    fn disconnected(&self) {}

    fn reconnected(&self) {}
}
