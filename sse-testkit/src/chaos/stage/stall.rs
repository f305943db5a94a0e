//! Nothing at all, for a time or for good.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Sleep;

use super::Stage;
use crate::chaos::piece::Piece;
use crate::chaos::pipeline::Source;

pub(in crate::chaos) struct Stall {
    /// How many bytes pass before it; none will ever be so many once it is over.
    remaining: u64,
    /// Nothing for a stall that lasts.
    time: Option<Duration>,
    timer: Option<Pin<Box<Sleep>>>,
    rest: Bytes,
}

impl Stall {
    pub(in crate::chaos) fn new(after: u64, time: Option<Duration>) -> Self {
        Self {
            remaining: after,
            time,
            timer: None,
            rest: Bytes::new(),
        }
    }
}

impl Stage for Stall {
    fn poll(&mut self, cx: &mut Context<'_>, above: &mut Source<'_>) -> Poll<Piece> {
        if self.remaining == 0 {
            let Some(time) = self.time else {
                return Poll::Pending;
            };
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
            ready!(timer.as_mut().poll(cx));
            self.remaining = u64::MAX;
            self.timer = None;
        }
        if !self.rest.is_empty() {
            return Poll::Ready(Piece::Data(std::mem::take(&mut self.rest)));
        }
        let piece = ready!(above(cx));
        let Piece::Data(mut bytes) = piece else {
            return Poll::Ready(piece);
        };
        let before = usize::try_from(self.remaining).unwrap_or(usize::MAX);
        self.rest = bytes.split_off(before.min(bytes.len()));
        self.remaining -= bytes.len() as u64;
        Poll::Ready(Piece::Data(bytes))
    }

    fn is_waiting(&self) -> bool {
        !self.rest.is_empty()
    }

    fn take_held(&mut self) -> Bytes {
        std::mem::take(&mut self.rest)
    }
}
