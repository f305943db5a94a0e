//! All topics and all nodes of an engine, behind one lock.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use slab::Slab;
use tokio::{sync::oneshot, time::Instant};

use super::{
    node::{Handover, Node, Trouble},
    topic::Topic,
};
use crate::backplane::{BackplaneError, Bounds, Failure, Inbox, Outgoing, Page, Place, ReadLimit};

/// So often, at most, all topics are looked through for those that are of no use any more.
const SWEEP: Duration = Duration::from_secs(15);

#[derive(Default)]
pub(super) struct Engine(Mutex<State>);

pub(super) struct State {
    epoch: u64,
    /// The newest number.
    last: u64,
    topics: HashMap<Arc<str>, Topic>,
    /// The newest number of all topics that are forgotten.
    forgotten: u64,
    swept_at: Option<Instant>,
    is_stopped: bool,
    nodes: Slab<Node>,
}

impl Engine {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over what is on its way. The lock is not held meanwhile: an inbox may be the last
    /// that holds a hub, and with the hub goes its node.
    pub(super) fn hand_over(&self) {
        loop {
            let begun = self
                .lock()
                .nodes
                .iter_mut()
                .find_map(|(node, state)| Some((node, state.begin()?)));
            let Some((node, inbox)) = begun else {
                return;
            };
            while let Some(next) = self.next(node, &inbox) {
                match next {
                    Handover::Message {
                        topic,
                        epoch,
                        message,
                    } => inbox.message(&topic, epoch, message),
                    // Whoever asked may not wait any more.
                    Handover::Reached(reached) => drop(reached.send(())),
                    Handover::Disconnected => inbox.disconnected(),
                    Handover::Reconnected => inbox.reconnected(),
                }
            }
        }
    }

    /// What comes next for this inbox. Its node may be gone by then, and another in its place.
    fn next(&self, node: usize, inbox: &Arc<dyn Inbox>) -> Option<Handover> {
        let mut state = self.lock();
        let node = state.nodes.get_mut(node)?;
        node.hands_over_to(inbox).then(|| node.next())?
    }
}

impl State {
    pub(super) fn add_node(&mut self) -> usize {
        self.nodes.insert(Node::new(self.is_stopped))
    }

    pub(super) fn remove_node(&mut self, node: usize) -> Option<Node> {
        self.nodes.try_remove(node)
    }

    pub(super) fn open(
        &mut self,
        node: usize,
        inbox: Arc<dyn Inbox>,
        bounds: Bounds,
    ) -> Result<(), BackplaneError> {
        let node = &mut self.nodes[node];
        if node.is_cut_off {
            return Err(super::unavailable());
        }
        if node.opened.is_some() {
            return Err(refused("this node is open already"));
        }
        node.opened = Some((inbox, bounds));
        Ok(())
    }

    pub(super) fn trouble(&mut self, node: usize) -> &mut Trouble {
        &mut self.nodes[node].trouble
    }

    pub(super) fn hold(&mut self, node: usize, is_held: bool) {
        self.nodes[node].hold(is_held);
    }

    pub(super) fn disconnect(&mut self, node: usize) {
        self.nodes[node].disconnect();
    }

    pub(super) fn reconnect(&mut self, node: usize) {
        self.nodes[node].reconnect();
    }

    pub(super) fn stop(&mut self) {
        self.is_stopped = true;
        self.nodes
            .iter_mut()
            .for_each(|(_, node)| node.disconnect());
    }

    pub(super) fn start(&mut self) {
        self.is_stopped = false;
        self.nodes.iter_mut().for_each(|(_, node)| node.reconnect());
    }

    pub(super) fn lose_data(&mut self) {
        self.epoch = epoch();
        self.last = 0;
        self.topics = HashMap::new();
        self.forgotten = 0;
    }

    pub(super) fn listen(&mut self, node: usize, topic: &str) -> Result<(), BackplaneError> {
        let node = &mut self.nodes[node];
        node.bounds()?;
        node.listens_to.insert(topic.into());
        Ok(())
    }

    pub(super) fn leave(&mut self, node: usize, topic: &str) {
        self.nodes[node].listens_to.remove(topic);
    }

    pub(super) fn publish(
        &mut self,
        node: usize,
        event: Outgoing<'_>,
    ) -> Result<Place, BackplaneError> {
        let bounds = self.nodes[node].bounds()?;
        let failure = self.nodes[node].trouble.publishing;
        if let Some(failure @ (Failure::Unavailable | Failure::Refused)) = failure {
            return Err(BackplaneError::new(failure, "as it was told to"));
        }
        if event.topic.is_empty() {
            return Err(refused("a topic without a name"));
        }
        let sequence = self.number(event, &bounds)?;
        match failure {
            Some(failure) => Err(BackplaneError::new(failure, "as it was told to")),
            None => Ok(Place {
                epoch: self.epoch,
                sequence,
            }),
        }
    }

    pub(super) fn frontier(
        &mut self,
        node: usize,
        at_least: Place,
        reached: oneshot::Sender<()>,
    ) -> Result<Place, BackplaneError> {
        let node = &mut self.nodes[node];
        node.bounds()?;
        node.send(Handover::Reached(reached));
        if at_least.epoch == self.epoch {
            self.last = self.last.max(at_least.sequence);
        }
        Ok(Place {
            epoch: self.epoch,
            sequence: self.last,
        })
    }

    pub(super) fn read(
        &mut self,
        node: usize,
        topic: &str,
        after: u64,
        limit: ReadLimit,
    ) -> Result<Page, BackplaneError> {
        let bounds = self.may_read(node)?;
        let now = Instant::now();
        let page = match self.topic(topic, now) {
            Some(topic) => topic.read(after, limit, now, &bounds),
            // Whoever reads from the beginning reads a topic that has begun anew.
            None => Page {
                missing: Some(self.forgotten).filter(|gone| after > 0 && *gone > after),
                ..Page::default()
            },
        };
        Ok(Page {
            epoch: self.epoch,
            ..page
        })
    }

    pub(super) fn newest(
        &mut self,
        node: usize,
        topic: &str,
        limit: ReadLimit,
    ) -> Result<Page, BackplaneError> {
        let bounds = self.may_read(node)?;
        let now = Instant::now();
        let page = self
            .topic(topic, now)
            .map(|topic| topic.newest(limit, now, &bounds))
            .unwrap_or_default();
        Ok(Page {
            epoch: self.epoch,
            ..page
        })
    }

    fn may_read(&self, node: usize) -> Result<Bounds, BackplaneError> {
        let node = &self.nodes[node];
        let bounds = node.bounds()?;
        match node.trouble.reading {
            Some(failure) => Err(BackplaneError::new(failure, "as it was told to")),
            None => Ok(bounds),
        }
    }

    /// Gives an event its number, unless its key is known, and sends it to who listens.
    fn number(&mut self, event: Outgoing<'_>, bounds: &Bounds) -> Result<u64, BackplaneError> {
        let now = Instant::now();
        self.sweep(now);
        let sequence = self
            .last
            .checked_add(1)
            .ok_or_else(|| refused("no number is left"))?;
        if self.topic(event.topic, now).is_none() {
            let topic = Topic::new(self.forgotten, now);
            self.topics.insert(event.topic.into(), topic);
        }
        let Some(topic) = self.topics.get_mut(event.topic) else {
            return Err(refused("no room for another topic"));
        };
        if let Some(sequence) = event.key.and_then(|key| topic.published(key)) {
            return Ok(sequence);
        }
        let message = topic.publish(&event, sequence, now, bounds);
        self.last = sequence;
        for (_, node) in &mut self.nodes {
            if node.is_cut_off {
                continue;
            }
            if let Some(topic) = node.listens_to.get(event.topic) {
                let message = Handover::Message {
                    topic: Arc::clone(topic),
                    epoch: self.epoch,
                    message: message.clone(),
                };
                node.send(message);
            }
        }
        Ok(sequence)
    }

    /// A topic, unless it is of no use any more.
    fn topic(&mut self, name: &str, now: Instant) -> Option<&mut Topic> {
        if !self.topics.get_mut(name)?.expire(now) {
            let topic = self.topics.remove(name)?;
            self.forgotten = self.forgotten.max(topic.newest_number());
        }
        self.topics.get_mut(name)
    }

    fn sweep(&mut self, now: Instant) {
        let is_due = self
            .swept_at
            .is_none_or(|at| now.saturating_duration_since(at) >= SWEEP);
        if !is_due {
            return;
        }
        self.swept_at = Some(now);
        let forgotten = &mut self.forgotten;
        self.topics.retain(|_, topic| {
            let is_left = topic.expire(now);
            if !is_left {
                *forgotten = (*forgotten).max(topic.newest_number());
            }
            is_left
        });
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            epoch: epoch(),
            last: 0,
            topics: HashMap::new(),
            forgotten: 0,
            swept_at: None,
            is_stopped: false,
            nodes: Slab::new(),
        }
    }
}

/// Another one than any before, as far as chance goes.
fn epoch() -> u64 {
    fastrand::u64(1..)
}

fn refused(why: &'static str) -> BackplaneError {
    BackplaneError::new(Failure::Refused, why)
}
