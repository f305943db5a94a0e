use std::{
    collections::VecDeque,
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, Bytes};
use pin_project_lite::pin_project;
use tokio::{
    io::AsyncWrite,
    time::{Sleep, sleep},
};

use crate::serve::stalled::does_not_read;

/// So many slices go into one write.
const SLICES: usize = 32;

pin_project! {
    /// What a peer has yet to take, and when it has to have taken it.
    pub(super) struct Backlog {
        left: VecDeque<Bytes>,
        #[pin]
        deadline: Sleep,
    }
}

impl Backlog {
    /// With nothing left there is still something to flush.
    pub(super) fn new(left: Vec<Bytes>, timeout: Duration) -> Pin<Box<Self>> {
        Box::pin(Self {
            left: left.into(),
            deadline: sleep(timeout),
        })
    }

    /// Ready when everything is written and flushed; an error when the time for that is over.
    pub(super) fn poll_written<I>(
        self: Pin<&mut Self>,
        io: &mut I,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>>
    where
        I: AsyncWrite + Unpin,
    {
        let this = self.project();
        if let Poll::Ready(written) = poll_written(this.left, io, cx) {
            return Poll::Ready(written);
        }
        this.deadline.poll(cx).map(|()| Err(does_not_read()))
    }
}

fn poll_written<I>(
    left: &mut VecDeque<Bytes>,
    io: &mut I,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>>
where
    I: AsyncWrite + Unpin,
{
    while !left.is_empty() {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let filled = slices.iter_mut().zip(&*left);
        let count = filled
            .map(|(slice, bytes)| *slice = IoSlice::new(bytes))
            .count();
        let io = Pin::new(&mut *io);
        let mut written = match io.poll_write_vectored(cx, &slices[..count])? {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Poll::Ready(written) => written,
        };
        while let Some(first) = left.front_mut() {
            let of_first = first.len().min(written);
            first.advance(of_first);
            written -= of_first;
            if !first.is_empty() {
                break;
            }
            left.pop_front();
        }
    }
    Pin::new(io).poll_flush(cx)
}
