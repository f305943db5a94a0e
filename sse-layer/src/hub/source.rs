//! One topic as one subscription reads it.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_broadcast::{Receiver, RecvError, TryRecvError};

use super::{
    gap::GapReason,
    history::PageLimit,
    lag::LagPolicy,
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
    receiver: Receiver<Message>,
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
    /// What a reader is told of what is not there any more. `None` if it has been told already.
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

/// Up to this message, so many may be missing.
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
    pub(super) fn new(topic: Arc<Topic>, receiver: Receiver<Message>, attached: Mark) -> Self {
        Self {
            topic,
            receiver,
            seen: attached,
            next: None,
            held: None,
            replay: None,
        }
    }

    pub(super) fn into_parts(self) -> (Arc<Topic>, Receiver<Message>) {
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
        cx: &mut Context<'_>,
        policy: LagPolicy,
        shared: &Shared,
    ) -> Poll<Piece> {
        loop {
            let piece = if self.replay.is_some() {
                self.read_history(shared)
            } else if let Some(message) = self.held.take() {
                Some(self.give(message))
            } else {
                match Pin::new(&mut self.receiver).poll_recv(cx) {
                    Poll::Ready(Some(Ok(message))) => self.take(message, policy, shared),
                    // The hole shows in the next message.
                    Poll::Ready(Some(Err(RecvError::Overflowed(_)))) => None,
                    // A queue is there for as long as it has a receiver.
                    Poll::Ready(Some(Err(RecvError::Closed)) | None) => Some(Piece::Cut),
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
                self.seen = before;
                self.held = Some(message);
                Some(Piece::Hole(Box::new(Hole {
                    up_to: before.sequence,
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
        loop {
            match self.receiver.try_recv() {
                Ok(newer) => {
                    let passed = newest.before().distance(newer.before());
                    shared.counts.lagged(passed.unwrap_or(1));
                    newest = newer;
                }
                Err(TryRecvError::Overflowed(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return newest,
            }
        }
    }

    /// The next piece on the way through the history; `None` where that ends.
    fn read_history(&mut self, shared: &Shared) -> Option<Piece> {
        let replay = self.replay.as_mut()?;
        if replay.page.is_empty() {
            let page = self.topic.read(self.seen, replay.to, PAGE, &shared.ledger);
            replay.page = page.messages;
            if let Some(end) = page.hole {
                let missed = self.seen.distance(end);
                self.seen = end;
                if let Some(reason) = replay.if_missing {
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
