//! Pieces that come late.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Sleep;

use super::Stage;
use crate::chaos::piece::Piece;
use crate::chaos::pipeline::Source;
use crate::chaos::random::Random;

pub(in crate::chaos) struct Delay {
    time: Time,
    waiting: Option<(Bytes, Pin<Box<Sleep>>)>,
}

enum Time {
    Fixed(Duration),
    Random { random: Random, max: Duration },
}

impl Delay {
    pub(in crate::chaos) fn of(time: Duration) -> Self {
        Self {
            time: Time::Fixed(time),
            waiting: None,
        }
    }

    pub(in crate::chaos) fn random(random: Random, max: Duration) -> Self {
        Self {
            time: Time::Random { random, max },
            waiting: None,
        }
    }
}

impl Stage for Delay {
    fn poll(&mut self, cx: &mut Context<'_>, above: &mut Source<'_>) -> Poll<Piece> {
        loop {
            if let Some((bytes, timer)) = &mut self.waiting {
                ready!(timer.as_mut().poll(cx));
                let bytes = std::mem::take(bytes);
                self.waiting = None;
                return Poll::Ready(Piece::Data(bytes));
            }
            match ready!(above(cx)) {
                Piece::Data(bytes) => {
                    let timer = Box::pin(tokio::time::sleep(self.time.next()));
                    self.waiting = Some((bytes, timer));
                }
                other => return Poll::Ready(other),
            }
        }
    }

    fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    fn take_held(&mut self) -> Bytes {
        self.waiting
            .take()
            .map(|(bytes, _)| bytes)
            .unwrap_or_default()
    }
}

impl Time {
    fn next(&mut self) -> Duration {
        match self {
            Self::Fixed(time) => *time,
            Self::Random { random, max } => {
                let max = u64::try_from(max.as_millis()).unwrap_or(u64::MAX);
                Duration::from_millis(random.up_to(max))
            }
        }
    }
}
