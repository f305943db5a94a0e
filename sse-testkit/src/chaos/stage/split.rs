//! Pieces in smaller pieces.

use std::collections::VecDeque;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::Stage;
use crate::chaos::piece::Piece;
use crate::chaos::pipeline::Source;
use crate::chaos::random::Random;

pub(in crate::chaos) struct Split {
    size: Size,
    rest: Bytes,
}

enum Size {
    Every(usize),
    Random {
        random: Random,
        max: usize,
    },
    At {
        positions: VecDeque<u64>,
        passed: u64,
    },
}

impl Split {
    pub(in crate::chaos) fn every(bytes: usize) -> Self {
        Self::new(Size::Every(bytes))
    }

    pub(in crate::chaos) fn random(random: Random, max: usize) -> Self {
        Self::new(Size::Random { random, max })
    }

    pub(in crate::chaos) fn at(positions: &[u64]) -> Self {
        Self::new(Size::At {
            positions: positions.iter().copied().collect(),
            passed: 0,
        })
    }

    fn new(size: Size) -> Self {
        Self {
            size,
            rest: Bytes::new(),
        }
    }
}

impl Stage for Split {
    fn poll(&mut self, cx: &mut Context<'_>, above: &mut Source<'_>) -> Poll<Piece> {
        while self.rest.is_empty() {
            match ready!(above(cx)) {
                Piece::Data(bytes) => self.rest = bytes,
                other => return Poll::Ready(other),
            }
        }
        let size = self.size.next(self.rest.len());
        Poll::Ready(Piece::Data(self.rest.split_to(size)))
    }

    fn is_waiting(&self) -> bool {
        !self.rest.is_empty()
    }

    fn take_held(&mut self) -> Bytes {
        std::mem::take(&mut self.rest)
    }
}

impl Size {
    /// How many of so many bytes the next piece has: one at the least.
    fn next(&mut self, available: usize) -> usize {
        match self {
            Self::Every(bytes) => (*bytes).max(1).min(available),
            Self::Random { random, max } => {
                let more = random.up_to((*max).saturating_sub(1) as u64);
                usize::try_from(more)
                    .map_or(available, |more| more.saturating_add(1).min(available))
            }
            Self::At { positions, passed } => {
                while positions
                    .front()
                    .is_some_and(|position| *position <= *passed)
                {
                    positions.pop_front();
                }
                let size = match positions.front() {
                    Some(position) => usize::try_from(*position - *passed).unwrap_or(available),
                    None => available,
                };
                let size = size.min(available);
                *passed += size as u64;
                size
            }
        }
    }
}
