//! So many bytes and no more.

use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::Stage;
use crate::chaos::broken::Broken;
use crate::chaos::piece::Piece;
use crate::chaos::pipeline::Source;

pub(in crate::chaos) struct Cut {
    remaining: u64,
    /// Nothing for a clean end.
    error: Option<Broken>,
}

impl Cut {
    pub(in crate::chaos) fn clean(after: u64) -> Self {
        Self {
            remaining: after,
            error: None,
        }
    }

    pub(in crate::chaos) fn broken(after: u64) -> Self {
        Self {
            remaining: after,
            error: Some(Broken { after }),
        }
    }
}

impl Stage for Cut {
    fn poll(&mut self, cx: &mut Context<'_>, above: &mut Source<'_>) -> Poll<Piece> {
        if self.remaining == 0 {
            return Poll::Ready(match self.error {
                Some(error) => Piece::Failed(Box::new(error)),
                None => Piece::End,
            });
        }
        let piece = ready!(above(cx));
        let Piece::Data(mut bytes) = piece else {
            return Poll::Ready(piece);
        };
        let keep = usize::try_from(self.remaining).unwrap_or(usize::MAX);
        bytes.truncate(keep);
        self.remaining -= bytes.len() as u64;
        Poll::Ready(Piece::Data(bytes))
    }

    fn is_waiting(&self) -> bool {
        false
    }

    fn take_held(&mut self) -> Bytes {
        Bytes::new()
    }
}
