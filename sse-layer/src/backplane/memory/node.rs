//! What the engine knows of one node.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::sync::oneshot;

use crate::backplane::{BackplaneError, Bounds, Failure, Inbox, Stored};

/// So many messages may be on their way to a node.
const ON_THEIR_WAY: usize = 65_536;

#[derive(Default)]
pub(super) struct Node {
    pub(super) opened: Option<(Arc<dyn Inbox>, Bounds)>,
    pub(super) is_cut_off: bool,
    pub(super) trouble: Trouble,
    pub(super) listens_to: HashSet<Arc<str>>,
    way: VecDeque<Handover>,
    /// Whether somebody is handing over.
    is_handing_over: bool,
    is_held: bool,
}

/// What goes wrong because a test wants it to.
#[derive(Default)]
pub(super) struct Trouble {
    pub(super) publishing: Option<Failure>,
    pub(super) reading: Option<Failure>,
    pub(super) delay: Duration,
}

/// What a node gets, in order.
pub(super) enum Handover {
    Message {
        topic: Arc<str>,
        epoch: u64,
        message: Stored,
    },
    /// Everything before it is handed over.
    Reached(oneshot::Sender<()>),
    Disconnected,
    Reconnected,
}

impl Node {
    pub(super) fn new(is_cut_off: bool) -> Self {
        Self {
            is_cut_off,
            ..Self::default()
        }
    }

    /// The bounds that it was opened with.
    pub(super) fn bounds(&self) -> Result<Bounds, BackplaneError> {
        match &self.opened {
            Some(_) if self.is_cut_off => Err(super::unavailable()),
            Some((_, bounds)) => Ok(*bounds),
            None => Err(BackplaneError::new(
                Failure::Unavailable,
                "this node is not open",
            )),
        }
    }

    pub(super) fn send(&mut self, handover: Handover) {
        if self.way.len() >= ON_THEIR_WAY {
            self.way.clear();
            self.way.push_back(Handover::Disconnected);
            if !self.is_cut_off {
                self.way.push_back(Handover::Reconnected);
            }
            return;
        }
        self.way.push_back(handover);
    }

    /// Loses what is on its way, but for the news of earlier outages.
    pub(super) fn disconnect(&mut self) {
        if !self.is_cut_off {
            self.is_cut_off = true;
            self.way.retain(|handover| {
                matches!(handover, Handover::Disconnected | Handover::Reconnected)
            });
            self.tell(Handover::Disconnected);
        }
    }

    pub(super) fn reconnect(&mut self) {
        if self.is_cut_off {
            self.is_cut_off = false;
            self.tell(Handover::Reconnected);
        }
    }

    pub(super) fn hold(&mut self, is_held: bool) {
        self.is_held = is_held;
    }

    /// What is to be handed over to whom, if there is something and nobody else does it.
    pub(super) fn begin(&mut self) -> Option<Arc<dyn Inbox>> {
        if self.is_handing_over || self.is_held || self.way.is_empty() {
            return None;
        }
        let (inbox, _) = self.opened.as_ref()?;
        self.is_handing_over = true;
        Some(Arc::clone(inbox))
    }

    pub(super) fn hands_over_to(&self, inbox: &Arc<dyn Inbox>) -> bool {
        let opened = self.opened.as_ref();
        opened.is_some_and(|(own, _)| Arc::ptr_eq(own, inbox))
    }

    /// The next that is to be handed over by who has begun to.
    pub(super) fn next(&mut self) -> Option<Handover> {
        let next = if self.is_held {
            None
        } else {
            self.way.pop_front()
        };
        self.is_handing_over = next.is_some();
        next
    }

    fn tell(&mut self, news: Handover) {
        // To a node that is not open yet it is none.
        if self.opened.is_some() {
            self.send(news);
        }
    }
}
