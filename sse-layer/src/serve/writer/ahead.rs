use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};

/// So much of what a client sends while a stream goes on is kept, in bytes; then it has to wait.
const MOST: usize = 8 * 1024;

/// What a client sends while a stream goes on: the next requests, but nearly always nothing, and so
/// in a box.
pub(super) struct Ahead(Option<Box<BytesMut>>);

impl Ahead {
    pub(super) fn new(read: Bytes) -> Self {
        Self((!read.is_empty()).then(|| Box::new(read.into())))
    }

    pub(super) fn take(&mut self) -> Bytes {
        self.0.take().map_or_else(Bytes::new, |read| read.freeze())
    }

    /// Reads what there is. Answers whether the client is still there.
    pub(super) fn poll_is_there<I>(&mut self, io: &mut I, cx: &mut Context<'_>) -> io::Result<bool>
    where
        I: AsyncRead + Unpin,
    {
        while self.0.as_ref().map_or(0, |read| read.len()) < MOST {
            let mut room = [MaybeUninit::uninit(); 512];
            let mut read = ReadBuf::uninit(&mut room);
            match Pin::new(&mut *io).poll_read(cx, &mut read)? {
                Poll::Pending => break,
                Poll::Ready(()) if read.filled().is_empty() => return Ok(false),
                Poll::Ready(()) => self
                    .0
                    .get_or_insert_default()
                    .extend_from_slice(read.filled()),
            }
        }
        Ok(true)
    }
}
