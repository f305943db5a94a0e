//! A TCP proxy between a node and its engine, which cuts, refuses and holds back connections.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// How long [`Proxy::until`] waits.
const BOUND: Duration = Duration::from_secs(30);

/// Passes on what comes to its own port. Its threads end with it.
pub(crate) struct Proxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    open: Vec<(usize, TcpStream, TcpStream)>,
    accepted: usize,
    refused: usize,
    refuses: bool,
    stalled: bool,
    silent: Option<usize>,
    ended: bool,
}

impl Proxy {
    /// One in front of this address, which need not be listened at yet.
    pub(crate) fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let accepting = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.state().ended {
                    break;
                }
                if let Ok(client) = client {
                    accepting.take(client, target);
                }
            }
        });
        Self { addr, shared }
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Cuts all connections. New ones are passed on, unless it refuses.
    pub(crate) fn cut(&self) {
        for (_, client, engine) in std::mem::take(&mut self.shared.state().open) {
            let _ = client.shutdown(Shutdown::Both);
            let _ = engine.shutdown(Shutdown::Both);
        }
        self.shared.changed.notify_all();
    }

    /// Closes each new connection at once, until told to [`accept`](Self::accept).
    pub(crate) fn refuse(&self) {
        self.shared.set(|state| state.refuses = true);
    }

    /// Passes on new connections again.
    pub(crate) fn accept(&self) {
        self.shared.set(|state| state.refuses = false);
    }

    /// Passes nothing on, and keeps the connections: a network that has gone without a word.
    pub(crate) fn stall(&self) {
        self.shared.set(|state| state.stalled = true);
    }

    /// Passes nothing on of one connection: the first has the number 0.
    pub(crate) fn stall_one(&self, number: usize) {
        self.shared.set(|state| state.silent = Some(number));
    }

    /// Goes on, with what was held back first.
    pub(crate) fn go_on(&self) {
        self.shared.set(|state| {
            state.stalled = false;
            state.silent = None;
        });
    }

    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        self.shared.state().open.len()
    }

    /// How many connections were passed on so far.
    pub(crate) fn accepted(&self) -> usize {
        self.shared.state().accepted
    }

    /// How many connections were closed at once so far.
    pub(crate) fn refused(&self) -> usize {
        self.shared.state().refused
    }

    /// Waits until so many connections were refused.
    pub(crate) fn until_refused(&self, count: usize) {
        self.until(|state| state.refused >= count);
    }

    /// Waits until so many connections are open.
    pub(crate) fn until_open(&self, count: usize) {
        self.until(|state| state.open.len() == count);
    }

    fn until(&self, holds: impl Fn(&State) -> bool) {
        let begun = Instant::now();
        let mut state = self.shared.state();
        while !holds(&state) {
            let left = BOUND.checked_sub(begun.elapsed());
            let left = left.expect("the proxy's connections to be as awaited");
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.set(|state| {
            state.ended = true;
            state.stalled = false;
            state.silent = None;
        });
        self.cut();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.addr);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    fn take(self: &Arc<Self>, client: TcpStream, target: SocketAddr) {
        if self.state().refuses {
            drop(client);
            self.set(|state| state.refused += 1);
            return;
        }
        let Ok(engine) = TcpStream::connect(target) else {
            return;
        };
        let _ = client.set_nodelay(true);
        let _ = engine.set_nodelay(true);
        let copies = (client.try_clone(), engine.try_clone());
        let (Ok(from_client), Ok(from_engine)) = copies else {
            return;
        };
        let (Ok(to_client), Ok(to_engine)) = (client.try_clone(), engine.try_clone()) else {
            return;
        };
        let mut state = self.state();
        let number = state.accepted;
        state.accepted += 1;
        state.open.push((number, client, engine));
        drop(state);
        self.changed.notify_all();
        for (from, to) in [(from_client, to_engine), (from_engine, to_client)] {
            let shared = self.clone();
            thread::spawn(move || shared.pump(number, from, to));
        }
    }

    /// Passes on one direction until it ends, and then the whole connection.
    fn pump(&self, number: usize, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let mut state = self.state();
            while state.stalled || state.silent == Some(number) {
                let woken = self.changed.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
            }
            drop(state);
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
        self.set(|state| state.open.retain(|(open, ..)| *open != number));
    }
}
