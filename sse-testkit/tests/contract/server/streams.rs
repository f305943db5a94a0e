//! The open streams, and what was sent to them.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Flaw;

pub(super) struct Streams {
    pub(super) flaw: Flaw,
    sent: Mutex<Sent>,
    open: AtomicUsize,
    /// How many are open, as the stats tell it.
    pub(super) told: AtomicU64,
}

#[derive(Default)]
struct Sent {
    history: Vec<Bytes>,
    subscribers: Vec<UnboundedSender<Bytes>>,
}

const NOTICES_LATE: Duration = Duration::from_millis(600);

/// One that counts for as long as it lives.
pub(super) struct Slot(Arc<Streams>);

impl Streams {
    pub(super) fn new(flaw: Flaw) -> Self {
        Self {
            flaw,
            sent: Mutex::default(),
            open: AtomicUsize::new(0),
            told: AtomicU64::new(0),
        }
    }

    pub(super) fn slot(self: &Arc<Self>, limit: usize) -> Option<Slot> {
        let open = self.open.fetch_add(1, Ordering::SeqCst);
        self.told.fetch_add(1, Ordering::SeqCst);
        if open < limit {
            return Some(Slot(Arc::clone(self)));
        }
        self.free();
        None
    }

    fn free(&self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
        if self.flaw != Flaw::KeepsTheGone {
            self.told.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// What came after the event with this id, and what will come.
    pub(super) fn subscribe(&self, last_event_id: &[u8]) -> UnboundedReceiver<Bytes> {
        let (sender, receiver) = unbounded_channel();
        let mut sent = self.sent.lock().unwrap();
        let id = std::str::from_utf8(last_event_id).unwrap_or_default();
        let known = id
            .parse()
            .ok()
            .filter(|id| (1..=sent.history.len()).contains(id));
        if let Some(id) = known.filter(|_| self.flaw != Flaw::NeverResumes) {
            let from = match self.flaw {
                Flaw::RepeatsOne => id - 1,
                Flaw::RepeatsLast if id == sent.history.len() => id - 1,
                _ => id,
            };
            let times = if self.flaw == Flaw::RepeatsAll { 2 } else { 1 };
            for event in std::iter::repeat_n(&sent.history[from..], times).flatten() {
                sender.send(event.clone()).unwrap();
            }
        }
        sent.subscribers.push(sender);
        receiver
    }

    pub(super) fn publish(&self, data: &str) {
        let mut sent = self.sent.lock().unwrap();
        if data.is_empty() && self.flaw == Flaw::EmptyEnds {
            sent.subscribers.clear();
            return;
        }
        let id = sent.history.len() + 1;
        let event = match self.flaw {
            Flaw::NoIds => format!("data: {data}\n\n"),
            Flaw::OneWithoutId if id == 2 => format!("data: {data}\n\n"),
            Flaw::NoData => format!("event: {data:.0}nothing\n\nid: {id}\ndata: {data}\n\n"),
            _ => format!("id: {id}\ndata: {data}\n\n"),
        };
        let event = Bytes::from(event);
        sent.history.push(event.clone());
        let subscribers = &mut sent.subscribers;
        subscribers.retain(|subscriber| subscriber.send(event.clone()).is_ok());
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let streams = Arc::clone(&self.0);
        if streams.flaw == Flaw::NoticesLate {
            tokio::spawn(async move {
                tokio::time::sleep(NOTICES_LATE).await;
                streams.free();
            });
        } else {
            streams.free();
        }
    }
}
