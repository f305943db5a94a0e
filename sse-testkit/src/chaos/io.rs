//! A socket whose bytes suffer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::fault::Chaos;
use super::piece::Piece;
use super::pipeline::Pipeline;
use crate::client::BoxError;

/// A socket, or whatever else is read and written, with faults in both directions.
///
/// A client whose socket stalls for reading is the slow client of a server that writes:
///
/// ```
/// # use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> std::io::Result<()> {
/// use std::time::Duration;
///
/// use sse_testkit::chaos;
///
/// let (client, mut server) = tokio::io::duplex(64);
/// let mut client = chaos::stall(4, Duration::from_secs(30)).io(client);
///
/// server.write_all(b"data: 1\n\n").await?;
/// assert_eq!(client.read(&mut [0; 64]).await?, 4);
/// let before = tokio::time::Instant::now();
/// assert_eq!(client.read(&mut [0; 64]).await?, 5);
/// assert_eq!(before.elapsed(), Duration::from_secs(30));
/// # Ok(())
/// # }
/// ```
///
/// Bytes that are written are taken at once and pass the faults whenever it is written or flushed
/// again: what writes has to flush, as HTTP implementations do.
#[derive(Debug)]
pub struct ChaosIo<T> {
    inner: T,
    reading: Reading,
    writing: Writing,
}

#[derive(Debug)]
struct Reading {
    pipeline: Pipeline,
    /// The piece that is being read.
    ready: Bytes,
}

#[derive(Debug)]
struct Writing {
    pipeline: Pipeline,
    /// Taken, but not yet through the faults.
    taken: Bytes,
    /// Through the faults, but not yet written.
    ready: Bytes,
    /// Nothing follows what was taken.
    is_shut: bool,
    /// What the faults, or the socket, made of it.
    ended: Option<Ended>,
}

#[derive(Debug, Clone, Copy)]
enum Ended {
    Cleanly,
    Broken,
}

const BUFFER: usize = 8 * 1024;
const MOST_TAKEN_AT_ONCE: usize = 64 * 1024;

impl<T> ChaosIo<T> {
    /// Without any fault yet.
    pub fn new(inner: T) -> Self {
        let nothing = Chaos::new();
        Self {
            inner,
            reading: Reading {
                pipeline: nothing.pipeline(),
                ready: Bytes::new(),
            },
            writing: Writing {
                pipeline: nothing.pipeline(),
                taken: Bytes::new(),
                ready: Bytes::new(),
                is_shut: false,
                ended: None,
            },
        }
    }

    /// Does this to what is read.
    #[must_use]
    pub fn reading(mut self, chaos: &Chaos) -> Self {
        self.reading.pipeline = chaos.pipeline();
        self
    }

    /// Does this to what is written.
    #[must_use]
    pub fn writing(mut self, chaos: &Chaos) -> Self {
        self.writing.pipeline = chaos.pipeline();
        self
    }

    /// What it wraps.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }

    /// Gives back what it wraps; bytes that the faults hold are lost.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for ChaosIo<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { inner, reading, .. } = self.get_mut();
        while reading.ready.is_empty() {
            let mut source = |cx: &mut Context<'_>| poll_source(Pin::new(&mut *inner), cx);
            match ready!(reading.pipeline.poll(cx, &mut source)) {
                Piece::Data(bytes) => reading.ready = bytes,
                Piece::Failed(error) => return Poll::Ready(Err(io_error(error))),
                Piece::End | Piece::Trailers(_) => return Poll::Ready(Ok(())),
            }
        }
        let size = reading.ready.len().min(buffer.remaining());
        buffer.put_slice(&reading.ready.split_to(size));
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for ChaosIo<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Self { inner, writing, .. } = self.get_mut();
        if !writing.taken.is_empty() {
            ready!(writing.poll_drive(Pin::new(inner), cx))?;
        }
        if let Some(ended) = writing.ended {
            return Poll::Ready(Err(ended.into()));
        }
        if !writing.taken.is_empty() {
            return Poll::Pending;
        }
        let size = bytes.len().min(MOST_TAKEN_AT_ONCE);
        writing.taken = Bytes::copy_from_slice(&bytes[..size]);
        match writing.poll_drive(Pin::new(inner), cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            // They are taken, be they through or not.
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(size)),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { inner, writing, .. } = self.get_mut();
        ready!(writing.poll_drive(Pin::new(inner), cx))?;
        Pin::new(inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { inner, writing, .. } = self.get_mut();
        writing.is_shut = true;
        ready!(writing.poll_drive(Pin::new(inner), cx))?;
        Pin::new(inner).poll_shutdown(cx)
    }
}

impl Writing {
    /// Writes what gets through the faults; ready when nothing is left that could.
    fn poll_drive<T: AsyncWrite>(
        &mut self,
        mut inner: Pin<&mut T>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            while !self.ready.is_empty() {
                let size = ready!(inner.as_mut().poll_write(cx, &self.ready))?;
                if size == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                let _ = self.ready.split_to(size);
            }
            if self.ended.is_some() {
                return inner.poll_shutdown(cx);
            }
            let (taken, is_shut) = (&mut self.taken, self.is_shut);
            let mut source = |_: &mut Context<'_>| match (taken.is_empty(), is_shut) {
                (false, _) => Poll::Ready(Piece::Data(std::mem::take(taken))),
                (true, true) => Poll::Ready(Piece::End),
                (true, false) => Poll::Pending,
            };
            match self.pipeline.poll(cx, &mut source) {
                Poll::Ready(Piece::Data(bytes)) => self.ready = bytes,
                Poll::Ready(Piece::End | Piece::Trailers(_)) => {
                    self.taken.clear();
                    self.ended = Some(Ended::Cleanly);
                }
                Poll::Ready(Piece::Failed(error)) => {
                    self.taken.clear();
                    self.ended = Some(Ended::Broken);
                    return Poll::Ready(Err(io_error(error)));
                }
                Poll::Pending
                    if self.taken.is_empty() && !is_shut && !self.pipeline.is_waiting() =>
                {
                    // More has to be written before anything else gets through.
                    return Poll::Ready(Ok(()));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl From<Ended> for io::Error {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Cleanly => io::ErrorKind::BrokenPipe.into(),
            Ended::Broken => io::ErrorKind::ConnectionReset.into(),
        }
    }
}

fn poll_source<T: AsyncRead>(inner: Pin<&mut T>, cx: &mut Context<'_>) -> Poll<Piece> {
    let mut bytes = [0; BUFFER];
    let mut buffer = ReadBuf::new(&mut bytes);
    let read = ready!(inner.poll_read(cx, &mut buffer));
    Poll::Ready(match read {
        Ok(()) if buffer.filled().is_empty() => Piece::End,
        Ok(()) => Piece::Data(Bytes::copy_from_slice(buffer.filled())),
        Err(error) => Piece::Failed(error.into()),
    })
}

/// The error of the socket itself as it was.
fn io_error(error: BoxError) -> io::Error {
    match error.downcast::<io::Error>() {
        Ok(error) => *error,
        Err(error) => match error.downcast::<super::Broken>() {
            Ok(broken) => (*broken).into(),
            Err(error) => io::Error::other(error),
        },
    }
}
