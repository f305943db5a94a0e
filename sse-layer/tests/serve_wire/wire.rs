//! A connection in memory, and a listener that hands such connections out.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use sse_layer::serve::{Listener, PeerAddr};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::mpsc,
};

/// How a connection takes what is written to it, and gives what is read from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// So many bytes go into one write.
    pub(crate) at_once: usize,
    /// So many come out of one read.
    pub(crate) piece: usize,
    /// Whether each write, flush and read is pending once before it is done.
    pub(crate) pauses: bool,
    pub(crate) is_vectored: bool,
    /// Whether nothing leaves before it is flushed, as with TLS.
    pub(crate) keeps: bool,
}

impl Pace {
    pub(crate) const ALL: Self = Self {
        at_once: usize::MAX,
        piece: usize::MAX,
        pauses: false,
        is_vectored: true,
        keeps: false,
    };
}

struct State {
    pace: Pace,
    input: VecDeque<u8>,
    input_end: Option<io::ErrorKind>,
    is_half_closed: bool,
    taken: usize,
    read_pauses: bool,
    reader: Option<Waker>,
    room: usize,
    kept: Vec<u8>,
    output: Vec<u8>,
    writes: Vec<usize>,
    /// Where the slices of vectored writes began.
    slices: Vec<usize>,
    write_pauses: bool,
    is_dirty: bool,
    writer: Option<Waker>,
    is_shut: bool,
    is_gone: bool,
}

/// The server's end of a connection.
pub(crate) struct Wire(Arc<Mutex<State>>);

/// The client's end of a connection.
pub(crate) struct Client(Arc<Mutex<State>>);

impl Client {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn send(&self, bytes: impl AsRef<[u8]>) {
        let mut state = self.state();
        state.input.extend(bytes.as_ref());
        wake(&mut state.reader);
    }

    /// Says that nothing more will be sent.
    pub(crate) fn half_close(&self) {
        let mut state = self.state();
        state.is_half_closed = true;
        wake(&mut state.reader);
    }

    pub(crate) fn reset(&self) {
        let mut state = self.state();
        state.input_end = Some(io::ErrorKind::ConnectionReset);
        wake(&mut state.reader);
    }

    /// Takes so many bytes more and then none.
    pub(crate) fn take_only(&self, bytes: usize) {
        let mut state = self.state();
        state.room = bytes;
        wake(&mut state.writer);
    }

    pub(crate) fn take_all(&self) {
        self.take_only(usize::MAX);
    }

    /// All that has arrived.
    pub(crate) fn received(&self) -> Vec<u8> {
        self.state().output.clone()
    }

    /// How many bytes each write took.
    pub(crate) fn writes(&self) -> Vec<usize> {
        self.state().writes.clone()
    }

    /// Whether a slice of a vectored write began here.
    pub(crate) fn saw_slice(&self, at: *const u8) -> bool {
        self.state().slices.contains(&at.addr())
    }

    /// How many bytes the server has read.
    pub(crate) fn taken(&self) -> usize {
        self.state().taken
    }

    /// Whether the server has said that nothing more comes.
    pub(crate) fn is_shut(&self) -> bool {
        self.state().is_shut
    }

    /// Whether the server has let go of the connection.
    pub(crate) fn is_gone(&self) -> bool {
        self.state().is_gone
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

/// Whether it is the turn of a pause.
fn pauses(is_on: bool, turn: &mut bool, cx: &Context<'_>) -> bool {
    if is_on {
        *turn = !*turn;
        if *turn {
            cx.waker().wake_by_ref();
        }
        *turn
    } else {
        false
    }
}

impl State {
    fn poll_take(&mut self, slices: &[&[u8]], cx: &Context<'_>) -> Poll<io::Result<usize>> {
        if self.is_shut {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.room == 0 {
            self.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if pauses(self.pace.pauses, &mut self.write_pauses, cx) {
            return Poll::Pending;
        }
        let mut left = self.pace.at_once.min(self.room);
        let mut taken = 0;
        for slice in slices {
            let some = &slice[..slice.len().min(left)];
            if self.pace.keeps {
                self.kept.extend_from_slice(some);
            } else {
                self.output.extend_from_slice(some);
            }
            left -= some.len();
            taken += some.len();
        }
        if self.room != usize::MAX {
            self.room -= taken;
        }
        self.is_dirty |= taken > 0;
        self.writes.push(taken);
        Poll::Ready(Ok(taken))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let state = &mut *self.0.lock().unwrap();
        if let Some(kind) = state.input_end {
            return Poll::Ready(Err(kind.into()));
        }
        if state.input.is_empty() {
            if state.is_half_closed {
                return Poll::Ready(Ok(()));
            }
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if pauses(state.pace.pauses, &mut state.read_pauses, cx) {
            return Poll::Pending;
        }
        let some = state
            .input
            .len()
            .min(state.pace.piece)
            .min(into.remaining());
        into.put_slice(&state.input.drain(..some).collect::<Vec<_>>());
        state.taken += some;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap().poll_take(&[bytes], cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let state = &mut *self.0.lock().unwrap();
        let all: Vec<&[u8]> = slices.iter().map(|slice| &slice[..]).collect();
        if state.pace.is_vectored {
            state
                .slices
                .extend(all.iter().map(|slice| slice.as_ptr().addr()));
            state.poll_take(&all, cx)
        } else {
            // As by default: the first that has anything.
            let first = all.into_iter().find(|slice| !slice.is_empty());
            state.poll_take(&[first.unwrap_or_default()], cx)
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.0.lock().unwrap().pace.is_vectored
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = &mut *self.0.lock().unwrap();
        if state.is_dirty && pauses(state.pace.pauses, &mut state.write_pauses, cx) {
            return Poll::Pending;
        }
        state.is_dirty = false;
        state.output.append(&mut state.kept);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = &mut *self.0.lock().unwrap();
        state.output.append(&mut state.kept);
        state.is_shut = true;
        Poll::Ready(Ok(()))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.0.lock().unwrap().is_gone = true;
    }
}

/// Where a server gets its connections from.
pub(crate) struct Listening(mpsc::UnboundedReceiver<Wire>);

/// What gives them to it.
pub(crate) struct Connector(mpsc::UnboundedSender<Wire>);

pub(crate) fn listen() -> (Listening, Connector) {
    let (connector, listening) = mpsc::unbounded_channel();
    (Listening(listening), Connector(connector))
}

impl Connector {
    pub(crate) fn connect(&self, pace: Pace) -> Client {
        let state = Arc::new(Mutex::new(State {
            pace,
            input: VecDeque::new(),
            input_end: None,
            is_half_closed: false,
            taken: 0,
            read_pauses: false,
            reader: None,
            room: usize::MAX,
            kept: Vec::new(),
            output: Vec::new(),
            writes: Vec::new(),
            slices: Vec::new(),
            write_pauses: false,
            is_dirty: false,
            writer: None,
            is_shut: false,
            is_gone: false,
        }));
        let wire = Wire(Arc::clone(&state));
        assert!(self.0.send(wire).is_ok(), "the server is gone");
        Client(state)
    }
}

impl Listener for Listening {
    type Io = Wire;

    async fn accept(&mut self) -> io::Result<(Wire, PeerAddr)> {
        match self.0.recv().await {
            Some(wire) => Ok((wire, PeerAddr::unknown())),
            None => std::future::pending().await,
        }
    }
}
