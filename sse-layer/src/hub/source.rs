//! One topic as one subscription reads it.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    gap::GapReason,
    history::PageLimit,
    lag::LagPolicy,
    live::Receiver,
    message::{Mark, Message},
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
    pub(super) fn new(topic: Arc<Topic>, receiver: Receiver, attached: Mark) -> Self {
        Self {
            topic,
            receiver,
            seen: attached,
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
        }));
    }

    /// The next piece.
    #[inline]
    pub(super) fn poll(
        &mut self,
        cx: &Context<'_>,
        policy: LagPolicy,
        shared: &Shared,
    ) -> Poll<Piece> {
        loop {
            let piece = if self.replay.is_some() {
                self.read_history(shared)
            } else if let Some(message) = self.held.take() {
                Some(self.give(message))
            } else {
                match self.receiver.poll_recv(cx) {
                    // What it has dropped meanwhile shows in the next message.
                    Poll::Ready(message) => self.take(message, policy, shared),
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
    fn read_history(&mut self, shared: &Shared) -> Option<Piece> {
        let replay = self.replay.as_mut()?;
        if replay.page.is_empty() {
            let page = self.topic.read(self.seen, replay.to, PAGE, &shared.ledger);
            replay.page = page.messages;
            let if_missing = replay.if_missing;
            // Of what goes while it is on its way, a reader has not been told.
            replay.if_missing.get_or_insert(GapReason::Evicted);
            if let Some(end) = page.hole {
                let missed = self.seen.distance(end);
                self.seen = end;
                if let Some(reason) = if_missing {
                    return Some(Piece::Hole(Box::new(Hole {
                        up_to: end.sequence,
                        missed,
                        reason,
                    })));
                }
            }
        }
        let Some(message) = replay.page.pop_front() else {
            self.seen = replay.to;
            self.replay = None;
            return None;
        };
        self.seen = message.behind();
        Some(Piece::Message {
            message,
            is_from_history: true,
        })
    }
}
