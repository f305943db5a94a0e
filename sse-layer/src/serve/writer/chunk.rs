use std::{
    io::{self, IoSlice, Write as _},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http_body::Body;
use tokio::io::AsyncWrite;

/// What is written at once at most: frames, and bytes, which the last frame may go beyond.
const FRAMES: usize = 16;
const BYTES: usize = 64 * 1024;

/// So often a body is asked for it at most: frames without data take no place, and may never end.
const POLLS: usize = 4 * FRAMES;

/// Up to here it is cheaper to copy than to have the kernel gather slices.
const SMALL: usize = 1024;

/// Enough for the length of any chunk in hexadecimal, and the line's end.
const LENGTH: usize = 18;

const LINE_END: &[u8] = b"\r\n";
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// All frames that are ready, as one chunk (RFC 9112, 7.1).
pub(super) struct Chunk {
    length: [u8; LENGTH],
    length_len: usize,
    frames: [Bytes; FRAMES],
    count: usize,
    bytes: usize,
    /// What stands behind the frames.
    end: &'static [u8],
}

/// What comes behind a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    More,
    End,
    /// The stream failed: the client is to see that it has no end.
    BreakOff,
}

impl Chunk {
    /// Pending where nothing is ready. At the end of the body with the last chunk.
    pub(super) fn poll_gather<B>(mut body: Pin<&mut B>, cx: &mut Context<'_>) -> Poll<(Self, Then)>
    where
        B: Body,
    {
        let mut chunk = Self {
            length: [0; LENGTH],
            length_len: 0,
            frames: [const { Bytes::new() }; FRAMES],
            count: 0,
            bytes: 0,
            end: b"",
        };
        let mut then = Then::More;
        for _ in 0..POLLS {
            if then != Then::More || chunk.count == FRAMES || chunk.bytes >= BYTES {
                break;
            }
            match body.as_mut().poll_frame(cx) {
                Poll::Pending if chunk.count == 0 => return Poll::Pending,
                Poll::Pending => break,
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers are not sent without having been announced, which hyper minds too.
                    if let Ok(data) = frame.into_data() {
                        chunk.add(data);
                    }
                }
                Poll::Ready(Some(Err(_))) => then = Then::BreakOff,
                Poll::Ready(None) => then = Then::End,
            }
        }
        chunk.close(then);
        Poll::Ready((chunk, then))
    }

    fn add(&mut self, mut data: impl Buf) {
        let bytes = data.copy_to_bytes(data.remaining());
        // An empty chunk would be the last one.
        if !bytes.is_empty() {
            self.bytes += bytes.len();
            self.frames[self.count] = bytes;
            self.count += 1;
        }
    }

    fn close(&mut self, then: Then) {
        if self.bytes > 0 {
            let mut room = &mut self.length[..];
            // There is room for every length.
            let _ = write!(room, "{:x}\r\n", self.bytes);
            self.length_len = LENGTH - room.len();
        }
        self.end = match (self.bytes > 0, then) {
            (true, Then::End) => b"\r\n0\r\n\r\n",
            (true, Then::More | Then::BreakOff) => LINE_END,
            (false, Then::End) => LAST_CHUNK,
            (false, Then::More | Then::BreakOff) => b"",
        };
    }

    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let frames = self.frames[..self.count].iter();
        [&self.length[..self.length_len]]
            .into_iter()
            .chain(frames.map(|frame| &frame[..]))
            .chain([self.end])
    }

    /// Writes what can be written now. Answers what is left, without copies of frames.
    pub(super) fn write<I>(self, io: &mut I, cx: &mut Context<'_>) -> io::Result<Vec<Bytes>>
    where
        I: AsyncWrite + Unpin,
    {
        let all = self.length_len + self.bytes + self.end.len();
        let written = match self.poll_write(all, Pin::new(io), cx)? {
            Poll::Ready(0) if all > 0 => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(written) => written,
            Poll::Pending => 0,
        };
        Ok(if written == all {
            Vec::new()
        } else {
            self.left(written)
        })
    }

    fn poll_write<I>(
        &self,
        all: usize,
        io: Pin<&mut I>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>>
    where
        I: AsyncWrite,
    {
        if all == 0 {
            Poll::Ready(Ok(0))
        } else if all <= SMALL {
            let mut room = [0; SMALL];
            let mut rest = &mut room[..];
            for part in self.parts() {
                // Into a slice with room for it.
                let _ = rest.write_all(part);
            }
            io.poll_write(cx, &room[..all])
        } else if io.is_write_vectored() {
            let mut slices = [IoSlice::new(&[]); FRAMES + 2];
            let mut count = 0;
            for (slice, part) in slices.iter_mut().zip(self.parts()) {
                *slice = IoSlice::new(part);
                count += 1;
            }
            io.poll_write_vectored(cx, &slices[..count])
        } else {
            let mut flat = Vec::with_capacity(all);
            self.parts().for_each(|part| flat.extend_from_slice(part));
            io.poll_write(cx, &flat)
        }
    }

    fn left(self, mut written: usize) -> Vec<Bytes> {
        let length = Bytes::copy_from_slice(&self.length[..self.length_len]);
        [length]
            .into_iter()
            .chain(self.frames.into_iter().take(self.count))
            .chain([Bytes::from_static(self.end)])
            .filter_map(|mut part| {
                let of_it = part.len().min(written);
                part.advance(of_it);
                written -= of_it;
                (!part.is_empty()).then_some(part)
            })
            .collect()
    }
}
