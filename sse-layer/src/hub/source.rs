//! One topic as one subscription reads it.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::{
    gap::GapReason,
    history::{Page, PageLimit},
    lag::LagPolicy,
    live::Receiver,
    message::{Mark, Message},
    node::Read,
    shared::Shared,
    topic::Topic,
};

/// So much is read from the history at once: a reader that stops keeps no more than this from
/// being given back.
const PAGE: PageLimit = PageLimit {
    messages: 64,
    bytes: 256 * 1024,
};

/// The messages of one topic, in order, from wherever they are to be had: those of the past from
/// the history, those of the present from the queue.
pub(super) struct Source {
    pub(super) topic: Arc<Topic>,
    receiver: Receiver,
    /// Everything up to here was given, or is known to be missing.
    seen: Mark,
    /// Whether it is known at which place it was attached.
    is_attached: bool,
    /// Whether something may come that is older than what others have to give.
    is_waiting: bool,
    /// What comes next, where it has to wait for its turn among those of other topics.
    pub(super) next: Option<Piece>,
    /// A message from the queue, for behind what is read from the history.
    held: Option<Message>,
    replay: Option<Box<Replay>>,
}

/// A way through the history that is not at its end yet.
struct Replay {
    to: Mark,
    page: VecDeque<Message>,
    /// What a reader is told of what is not there any more. `None` if it has been told already of
    /// all that is missing before the first page.
    if_missing: Option<GapReason>,
    /// What is read where the topic is an engine's, and does not reach back itself.
    read: Option<Read>,
    /// Whether it may take what is read for another, until that turns out to be something else.
    waits: bool,
    /// Up to here, all that the engine has was given.
    whole_up_to: u64,
}

/// What a source gives.
pub(super) enum Piece {
    Message {
        message: Message,
        is_from_history: bool,
    },
    /// In a box, since it is rare, and a piece is to be small.
    Hole(Box<Hole>),
    /// The subscription is to end.
    Cut,
}

/// So many may be missing. Whoever goes on from this place has been told.
pub(super) struct Hole {
    pub(super) up_to: u64,
    pub(super) missed: Option<u64>,
    pub(super) reason: GapReason,
}

impl Piece {
    /// In which order pieces come: by id, and a hole behind the message of the same id. Who has
    /// got the hole's id will not be given that message again.
    pub(super) fn place(&self) -> (u64, bool) {
        match self {
            Self::Message { message, .. } => (message.sequence(), false),
            Self::Hole(hole) => (hole.up_to, true),
            Self::Cut => (0, false),
        }
    }
}

impl Source {
    /// A source that begins with what comes after the place at which it was attached.
    pub(super) fn new(topic: Arc<Topic>, receiver: Receiver, attached: Option<Mark>) -> Self {
        Self {
            topic,
            receiver,
            seen: attached.unwrap_or(Mark::BEGINNING),
            is_attached: attached.is_some(),
            is_waiting: false,
            next: None,
            held: None,
            replay: None,
        }
    }

    pub(super) fn into_parts(self) -> (Arc<Topic>, Receiver) {
        (self.topic, self.receiver)
    }

    /// The place at which it was attached, until it begins.
    pub(super) fn attached(&self) -> Mark {
        self.seen
    }

    /// Waits until it is known at which place it was attached. Answers whether that will be known.
    pub(super) fn poll_attached(&mut self, cx: &Context<'_>) -> Poll<bool> {
        if !self.is_attached {
            self.receiver.wait(cx);
            if let Some(opened) = self.topic.opened() {
                self.seen = opened;
                self.is_attached = true;
            }
        }
        match self.is_attached || self.topic.is_lost() {
            true => Poll::Ready(!self.topic.is_lost()),
            false => Poll::Pending,
        }
    }

    /// Finds the place that has the newest `count` messages up to this number behind it, by what is
    /// `read` of the engine where they are not all here.
    pub(super) fn poll_place_before_newest(
        &self,
        count: usize,
        up_to: u64,
        read: &mut Option<Read>,
        cx: &Context<'_>,
        shared: &Arc<Shared>,
    ) -> Poll<Mark> {
        let (here, is_all_here) = self.topic.place_before_newest(count, up_to, &shared.ledger);
        let Some(node) = shared.node.as_ref().filter(|_| !is_all_here) else {
            return Poll::Ready(here);
        };
        // There are not more.
        let count = count.min(shared.settings.history.events);
        loop {
            let newest = read.get_or_insert_with(|| node.read_newest(shared, &self.topic, count));
            let page = ready!(newest.poll(cx));
            let first = page.map(|page| page.messages.first().map(Message::sequence));
            *read = None;
            match first {
                Some(first) => {
                    let sequence = first.map_or(up_to, |first| up_to.min(first - 1));
                    return Poll::Ready(self.topic.place(sequence));
                }
                None if self.topic.is_lost() => return Poll::Ready(here),
                None => {}
            }
        }
    }

    /// Whether the engine has lost the topic.
    pub(super) fn is_lost(&self) -> bool {
        self.topic.is_lost()
    }

    /// Whether it has nothing, but can't tell that what it has next is newer than what others have.
    pub(super) fn is_waiting(&self) -> bool {
        self.is_waiting && self.next.is_none()
    }

    /// Begins with what comes after this place.
    pub(super) fn begin_at(&mut self, from: Mark, if_missing: Option<GapReason>) {
        let attached = std::mem::replace(&mut self.seen, from);
        if from.sequence < attached.sequence {
            self.replay_to(attached, if_missing);
        }
    }

    fn replay_to(&mut self, to: Mark, if_missing: Option<GapReason>) {
        self.replay = Some(Box::new(Replay {
            to,
            page: VecDeque::new(),
            if_missing,
            read: None,
            waits: true,
            whole_up_to: 0,
        }));
    }

    /// The next piece.
    #[inline]
    pub(super) fn poll(
        &mut self,
        cx: &Context<'_>,
        policy: LagPolicy,
        shared: &Arc<Shared>,
    ) -> Poll<Piece> {
        loop {
            // Before it is looked at what is there: whatever comes behind that is newer than what
            // others have.
            self.is_waiting = !self.topic.is_settled();
            let piece = if self.replay.is_some() {
                match self.poll_history(cx, shared) {
                    Poll::Ready(piece) => piece,
                    Poll::Pending => {
                        self.is_waiting = true;
                        return Poll::Pending;
                    }
                }
            } else if let Some(message) = self.held.take() {
                Some(self.give(message))
            } else {
                match self.receiver.poll_recv(cx) {
                    // What it has dropped meanwhile shows in the next message.
                    Poll::Ready(message) => self.take(message, policy, shared),
                    // Whoever had it settled before it was waited for has woken nobody here.
                    Poll::Pending if self.is_waiting && self.topic.is_settled() => None,
                    Poll::Pending => return Poll::Pending,
                }
            };
            if let Some(piece) = piece {
                return Poll::Ready(piece);
            }
        }
    }

    /// Gives a message that was in the queue.
    #[inline]
    fn give(&mut self, message: Message) -> Piece {
        self.seen = message.behind();
        if message.is_loss() {
            return Piece::Hole(Box::new(Hole {
                up_to: message.sequence(),
                missed: None,
                reason: GapReason::Outage,
            }));
        }
        Piece::Message {
            message,
            is_from_history: false,
        }
    }

    /// Takes a message from the queue. Answers what that makes the next piece, if it does.
    #[inline]
    fn take(&mut self, message: Message, policy: LagPolicy, shared: &Shared) -> Option<Piece> {
        if message.sequence() <= self.seen.sequence {
            return None;
        }
        let before = message.before();
        if before.sequence <= self.seen.sequence {
            return Some(self.give(message));
        }
        let missed = self.seen.distance(before);
        shared.counts.lagged(missed.unwrap_or(1));
        match policy {
            LagPolicy::CatchUp => {
                self.held = Some(message);
                self.replay_to(before, Some(GapReason::Lagged));
                None
            }
            LagPolicy::Skip => {
                // At the place where it begins: what is skipped may still be in the history, and
                // whoever is cut off among what other topics sent meanwhile is given it there.
                let up_to = self.seen.sequence;
                self.seen = before;
                self.held = Some(message);
                Some(Piece::Hole(Box::new(Hole {
                    up_to,
                    missed,
                    reason: GapReason::Lagged,
                })))
            }
            LagPolicy::Latest => {
                let newest = self.newest_queued(message, shared);
                Some(self.give(newest))
            }
            LagPolicy::Close => Some(Piece::Cut),
        }
    }

    /// Drops all that is queued but the newest.
    fn newest_queued(&mut self, mut newest: Message, shared: &Shared) -> Message {
        while let Some(newer) = self.receiver.try_recv() {
            let passed = newest.before().distance(newer.before());
            shared.counts.lagged(passed.unwrap_or(1));
            newest = newer;
        }
        newest
    }

    /// The next piece on the way through the history; `None` where that ends.
    fn poll_history(&mut self, cx: &Context<'_>, shared: &Arc<Shared>) -> Poll<Option<Piece>> {
        let Some(replay) = &mut self.replay else {
            return Poll::Ready(None);
        };
        if replay.page.is_empty() {
            let page = replay.poll_page(&self.topic, self.seen, cx, shared);
            let page = ready!(page).unwrap_or_default();
            replay.page = page.messages;
            let if_missing = replay.if_missing;
            // Of what goes while it is on its way, a reader has not been told.
            replay.if_missing.get_or_insert(GapReason::Evicted);
            if let Some(end) = page.hole {
                let missed = self.seen.distance(end);
                self.seen = end;
                if let Some(reason) = if_missing {
                    return Poll::Ready(Some(Piece::Hole(Box::new(Hole {
                        up_to: end.sequence,
                        missed,
                        reason,
                    }))));
                }
            }
        }
        let Some(message) = replay.page.pop_front() else {
            self.seen = replay.to;
            self.replay = None;
            return Poll::Ready(None);
        };
        self.seen = message.behind();
        Poll::Ready(Some(Piece::Message {
            message,
            is_from_history: true,
        }))
    }
}

impl Replay {
    /// What comes next: from what is kept here, or from the engine if there is one and that does
    /// not reach back. `None` if the engine has lost the topic.
    fn poll_page(
        &mut self,
        topic: &Arc<Topic>,
        seen: Mark,
        cx: &Context<'_>,
        shared: &Arc<Shared>,
    ) -> Poll<Option<Page>> {
        loop {
            let from = Mark {
                sequence: seen.sequence.max(self.whole_up_to.min(self.to.sequence)),
                ..seen
            };
            if self.read.is_none() {
                let page = topic.read(from, self.to, PAGE, &shared.ledger);
                let Some(node) = shared.node.as_ref().filter(|_| page.hole.is_some()) else {
                    return Poll::Ready(Some(page));
                };
                if topic.is_lost() {
                    return Poll::Ready(None);
                }
                let (after, known) = (from.sequence, self.to.sequence);
                self.read = Some(node.read(shared, topic, after, known, self.waits));
            }
            let Some(read) = &mut self.read else { continue };
            let page = ready!(read.poll(cx));
            let page = page.map(|page| {
                self.whole_up_to = self.whole_up_to.max(page.whole_up_to);
                page.between(from.sequence, self.to)
            });
            self.read = None;
            self.waits = page.is_some();
            match page {
                Some(page) if page.hole.is_none() && page.messages.is_empty() => {}
                Some(page) => return Poll::Ready(Some(page)),
                None if topic.is_lost() => return Poll::Ready(None),
                // It was another's, or given up when nobody waited for it any more.
                None => {}
            }
        }
    }
}
