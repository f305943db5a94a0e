use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::Stream;

/// When events are ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// All of them, always: as in a burst.
    Ready,
    /// One, then none until the next poll: as of a quiet source.
    OneByOne,
}

/// A stream of so many items, each made when it is asked for.
#[derive(Debug)]
pub struct Paced<F> {
    left: usize,
    pace: Pace,
    rests: bool,
    make: F,
}

impl<F> Paced<F> {
    /// A stream of `count` items.
    pub const fn new(count: usize, pace: Pace, make: F) -> Self {
        Self {
            left: count,
            pace,
            rests: false,
            make,
        }
    }
}

impl<F, T> Stream for Paced<F>
where
    F: FnMut() -> T + Unpin,
{
    type Item = T;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<T>> {
        if self.pace == Pace::OneByOne {
            self.rests = !self.rests;
            if !self.rests {
                // Whoever drains it polls again without being woken.
                return Poll::Pending;
            }
        }
        let Some(left) = self.left.checked_sub(1) else {
            return Poll::Ready(None);
        };
        self.left = left;
        Poll::Ready(Some((self.make)()))
    }
}
