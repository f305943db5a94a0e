use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// An IO whose first bytes have been read already.
#[derive(Debug)]
pub(super) struct Rewind<I> {
    before: Bytes,
    io: I,
}

impl<I> Rewind<I> {
    pub(super) const fn new(before: Bytes, io: I) -> Self {
        Self { before, io }
    }

    /// What has not been read again, and the rest.
    pub(super) fn into_parts(self) -> (Bytes, I) {
        (self.before, self.io)
    }
}

impl<I> AsyncRead for Rewind<I>
where
    I: AsyncRead + Unpin,
{
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.before.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, into);
        }
        let some = self.before.len().min(into.remaining());
        into.put_slice(&self.before[..some]);
        self.before.advance(some);
        if self.before.is_empty() {
            // An empty rest would keep all of it.
            self.before = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<I> AsyncWrite for Rewind<I>
where
    I: AsyncWrite + Unpin,
{
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
