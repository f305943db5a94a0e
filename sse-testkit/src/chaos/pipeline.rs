//! The faults in a row: each takes from the one before it.

use std::fmt;
use std::task::{Context, Poll};

use super::piece::Piece;
use super::stage::Stage;

/// Where the first fault takes its pieces from.
pub(super) type Source<'a> = dyn FnMut(&mut Context<'_>) -> Poll<Piece> + 'a;

pub(super) struct Pipeline {
    stages: Vec<Box<dyn Stage>>,
    over: bool,
}

impl Pipeline {
    pub(super) fn new(stages: Vec<Box<dyn Stage>>) -> Self {
        Self {
            stages,
            over: false,
        }
    }

    /// The next piece behind the last fault. After the end, or an error, there is nothing but ends.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, source: &mut Source<'_>) -> Poll<Piece> {
        if self.over {
            return Poll::Ready(Piece::End);
        }
        let piece = poll_last(&mut self.stages, cx, source);
        self.over = matches!(piece, Poll::Ready(Piece::End | Piece::Failed(_)));
        piece
    }

    /// Whether something is held that will pass by itself, without anything more from the source.
    pub(super) fn is_waiting(&self) -> bool {
        self.stages.iter().any(|stage| stage.is_waiting())
    }

    /// Takes out what the faults hold, in the order it came.
    #[cfg(feature = "socket")]
    pub(super) fn take_held(&mut self) -> Vec<bytes::Bytes> {
        let held = self.stages.iter_mut().rev().map(|stage| stage.take_held());
        held.filter(|bytes| !bytes.is_empty()).collect()
    }
}

fn poll_last(
    stages: &mut [Box<dyn Stage>],
    cx: &mut Context<'_>,
    source: &mut Source<'_>,
) -> Poll<Piece> {
    match stages.split_last_mut() {
        None => source(cx),
        Some((last, before)) => last.poll(cx, &mut |cx| poll_last(before, cx, source)),
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("stages", &self.stages.len())
            .field("over", &self.over)
            .finish()
    }
}
