//! Several pieces as one.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::Sleep;

use super::Stage;
use crate::chaos::piece::Piece;
use crate::chaos::pipeline::Source;

pub(in crate::chaos) struct Merge {
    enough: usize,
    span: Option<Duration>,
    held: BytesMut,
    timer: Option<Pin<Box<Sleep>>>,
    /// What came behind the held bytes.
    next: Option<Piece>,
}

/// Bounds what a source that never pauses can bring before the time is looked at.
const ENOUGH_FOR_ONE_MOMENT: usize = 1024 * 1024;

impl Merge {
    pub(in crate::chaos) fn up_to(bytes: usize) -> Self {
        Self {
            enough: bytes,
            span: None,
            held: BytesMut::new(),
            timer: None,
            next: None,
        }
    }

    pub(in crate::chaos) fn during(span: Duration) -> Self {
        Self {
            span: Some(span),
            ..Self::up_to(ENOUGH_FOR_ONE_MOMENT)
        }
    }

    fn is_time(&mut self, cx: &mut Context<'_>) -> bool {
        let timer = self.timer.as_mut();
        timer.is_some_and(|timer| timer.as_mut().poll(cx).is_ready())
    }

    fn release(&mut self) -> Poll<Piece> {
        self.timer = None;
        Poll::Ready(Piece::Data(self.held.split().freeze()))
    }
}

impl Stage for Merge {
    fn poll(&mut self, cx: &mut Context<'_>, above: &mut Source<'_>) -> Poll<Piece> {
        loop {
            if self.held.is_empty() {
                if let Some(next) = self.next.take() {
                    return Poll::Ready(next);
                }
            } else if self.held.len() >= self.enough || self.next.is_some() {
                return self.release();
            }
            match above(cx) {
                Poll::Ready(Piece::Data(bytes)) => {
                    self.held.extend_from_slice(&bytes);
                    if let (None, Some(span)) = (&self.timer, self.span) {
                        self.timer = Some(Box::pin(tokio::time::sleep(span)));
                    }
                }
                Poll::Ready(other) => self.next = Some(other),
                Poll::Pending if self.is_time(cx) => return self.release(),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn is_waiting(&self) -> bool {
        self.timer.is_some() || self.next.is_some()
    }

    fn take_held(&mut self) -> Bytes {
        self.timer = None;
        self.held.split().freeze()
    }
}
