//! Several topics as one, in the order of their ids.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use smallvec::SmallVec;

use super::{
    lag::LagPolicy,
    shared::Shared,
    source::{Piece, Source},
};

pub(super) struct Merge {
    /// Nearly always it is one.
    pub(super) sources: SmallVec<[Source; 1]>,
    pub(super) policy: LagPolicy,
}

impl Merge {
    /// The piece with the lowest id. None with a lower one will come.
    #[inline]
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>, shared: &Arc<Shared>) -> Poll<Piece> {
        if let [source] = &mut self.sources[..] {
            return source.poll(cx, self.policy, shared);
        }
        // A message that was published before the one that a topic gives may not have been there
        // yet when its own topic was looked at. So look until a whole round finds nothing, and
        // then none with an id lower than those at hand can be on its way: ids are given out in a
        // topic's lock, and that has been passed through since.
        while self.poll_all(cx, shared) {}
        if self.is_waiting() {
            return Poll::Pending;
        }
        let first = self
            .sources
            .iter_mut()
            .filter(|source| source.next.is_some())
            .min_by_key(|source| source.next.as_ref().map(Piece::place));
        first
            .and_then(|source| source.next.take())
            .map_or(Poll::Pending, Poll::Ready)
    }

    /// Whether a topic can't tell that what it has next is newer than what the others have.
    pub(super) fn is_waiting(&self) -> bool {
        self.sources.iter().any(Source::is_waiting)
    }

    /// Looks at all topics of which the next piece is not known. Answers whether one was found.
    fn poll_all(&mut self, cx: &mut Context<'_>, shared: &Arc<Shared>) -> bool {
        let mut has_found = false;
        for source in &mut self.sources {
            if source.next.is_none() {
                source.topic.settle();
                if let Poll::Ready(piece) = source.poll(cx, self.policy, shared) {
                    source.next = Some(piece);
                    has_found = true;
                }
            }
        }
        has_found
    }
}
