use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use super::{
    Boundary, Chunk,
    source::{Piece, Source},
};
use crate::{event::EventName, stream::EventStream};

pin_project! {
    /// Events, encoded into the chunk one after the other.
    pub(super) struct Events<S> {
        #[pin]
        stream: S,
        name: Option<EventName>,
    }
}

impl<S> Events<S> {
    pub(super) const fn new(stream: S, name: Option<EventName>) -> Self {
        Self { stream, name }
    }
}

impl<S> Source for Events<S>
where
    S: EventStream,
{
    #[inline]
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>, chunk: &mut Chunk) -> Poll<Piece> {
        let this = self.project();
        Poll::Ready(
            match ready!(this.stream.poll_event(cx, this.name.as_ref(), chunk)) {
                Some(Ok(())) => Piece::Added(1),
                Some(Err(error)) => Piece::Failed(error),
                None => Piece::Ended,
            },
        )
    }

    fn boundary(&self) -> Boundary {
        // An event goes into the chunk as a whole or not at all.
        Boundary::Block
    }
}

impl<S> fmt::Debug for Events<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
