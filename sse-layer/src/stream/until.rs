use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use super::EventStream;
use crate::{body::Chunk, error::Error, event::EventName};

pin_project! {
    /// A stream that ends when a future is done: [`Sse::until`](crate::Sse::until) makes it.
    #[derive(Clone)]
    pub struct Until<S, F> {
        #[pin]
        stream: S,
        #[pin]
        end: F,
    }
}

impl<S, F> Until<S, F> {
    pub(crate) const fn new(stream: S, end: F) -> Self {
        Self { stream, end }
    }
}

impl<S, F> EventStream for Until<S, F>
where
    S: EventStream,
    F: Future,
{
    fn poll_event(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        stream_name: Option<&EventName>,
        chunk: &mut Chunk,
    ) -> Poll<Option<Result<(), Error>>> {
        let this = self.project();
        // The future first: what must not be seen after a logout is not sent after it.
        if this.end.poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        this.stream.poll_event(cx, stream_name, chunk)
    }
}

impl<S, F> fmt::Debug for Until<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Until").finish_non_exhaustive()
    }
}
