//! One direction of a connection.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::net::TcpStream;

use super::state::Faults;
use crate::chaos::Chaos;
use crate::chaos::piece::Piece;
use crate::chaos::pipeline::Pipeline;

pub(super) struct Pump {
    pipeline: Pipeline,
    change: u64,
    /// What faults held that are no longer switched on.
    left: VecDeque<Bytes>,
    /// Through the faults, but not yet written.
    ready: Bytes,
    has_ended: bool,
}

/// How a direction came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// One side has sent all it had: the other direction goes on.
    Sent,
    /// The faults end the connection.
    Cut,
    /// The faults break it off, or it is broken.
    Reset,
}

const BUFFER: usize = 8 * 1024;

impl Pump {
    pub(super) fn new() -> Self {
        Self {
            pipeline: Chaos::new().pipeline(),
            change: 0,
            left: VecDeque::new(),
            ready: Bytes::new(),
            has_ended: false,
        }
    }

    /// Changes the faults if they have changed, and lets pass what they hold.
    pub(super) fn set(&mut self, faults: &Faults) {
        if self.change != faults.change {
            let held = self.pipeline.take_held();
            for bytes in held.into_iter().rev() {
                self.left.push_front(bytes);
            }
            self.pipeline = faults.chaos.pipeline();
            self.change = faults.change;
        }
    }

    /// Moves bytes until there are none, or no more may be written.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &TcpStream,
        to: &TcpStream,
    ) -> Poll<End> {
        loop {
            while !self.ready.is_empty() {
                match ready!(poll_write(to, cx, &self.ready)) {
                    Ok(size) => drop(self.ready.split_to(size)),
                    Err(_) => return Poll::Ready(End::Reset),
                }
            }
            let (left, has_ended) = (&mut self.left, &mut self.has_ended);
            let mut source = |cx: &mut Context<'_>| match left.pop_front() {
                Some(bytes) => Poll::Ready(Piece::Data(bytes)),
                None => poll_read(from, cx, has_ended),
            };
            match ready!(self.pipeline.poll(cx, &mut source)) {
                Piece::Data(bytes) => self.ready = bytes,
                Piece::End | Piece::Trailers(_) if self.has_ended => return Poll::Ready(End::Sent),
                Piece::End | Piece::Trailers(_) => return Poll::Ready(End::Cut),
                Piece::Failed(_) => return Poll::Ready(End::Reset),
            }
        }
    }
}

fn poll_read(from: &TcpStream, cx: &mut Context<'_>, has_ended: &mut bool) -> Poll<Piece> {
    let mut bytes = [0; BUFFER];
    loop {
        if let Err(error) = ready!(from.poll_read_ready(cx)) {
            return Poll::Ready(Piece::Failed(error.into()));
        }
        return Poll::Ready(match from.try_read(&mut bytes) {
            Ok(0) => {
                *has_ended = true;
                Piece::End
            }
            Ok(size) => Piece::Data(Bytes::copy_from_slice(&bytes[..size])),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => Piece::Failed(error.into()),
        });
    }
}

fn poll_write(to: &TcpStream, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
    loop {
        ready!(to.poll_write_ready(cx))?;
        match to.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            other => return Poll::Ready(other),
        }
    }
}
