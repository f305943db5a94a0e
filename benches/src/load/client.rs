use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::TcpStream as StdStream,
    time::{Duration, Instant},
};

use mio::{Interest, Poll, Token, net::TcpStream};
use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, Type};

use super::{Events, Fault, Message, Part, Publication, Publisher, Sign, Sources, Target};

/// One buffer for all connections.
const BUFFER: usize = 64 * 1024;

/// The publisher's place in the poll; connections have theirs by number.
const PUBLISHER: Token = Token(usize::MAX);

/// Ports that other programs have are passed by, but not without end.
const MOST_PORTS_TRIED: usize = 1000;

/// What is told of each connection, by its number.
pub trait Watcher {
    /// The response's head has come and is of an event stream.
    fn opened(&mut self, connection: usize, now: Instant);
    /// A comment or an event has come.
    fn sign(&mut self, connection: usize, sign: Sign, now: Instant);
    /// It is over: with its proper end or with a fault.
    fn ended(&mut self, connection: usize, fault: Option<Fault>, now: Instant);
}

/// How streams are opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// How many may wait for their head at once. A listener's queue is not longer than 128 in many
    /// servers; what does not fit is dropped and tried again by the kernel after a second.
    pub at_once: usize,
    /// How long one may wait for its head.
    pub patience: Duration,
}

impl Default for Opening {
    fn default() -> Self {
        Self {
            at_once: 64,
            patience: Duration::from_secs(20),
        }
    }
}

/// Many event streams on one thread.
///
/// Nothing happens between calls: whoever holds a client has to call [`turn`](Self::turn) for as long
/// as the streams shall be read.
#[derive(Debug)]
pub struct Client {
    poll: Poll,
    ready: mio::Events,
    connections: Vec<Option<Connection>>,
    waiting: VecDeque<(usize, Instant)>,
    buffer: Box<[u8]>,
    request: Vec<u8>,
    target: Target,
    sources: Sources,
    publisher: Option<Publisher>,
    asking: usize,
    open: usize,
    bytes: u64,
    longest_turn: Duration,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    phase: Phase,
    message: Message,
    events: Events,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connecting,
    Asked,
    Open,
}

impl Client {
    /// A client for `target` without connections.
    ///
    /// # Errors
    ///
    /// What the system refuses.
    pub fn new(target: Target, sources: Sources) -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            ready: mio::Events::with_capacity(1024),
            connections: Vec::new(),
            waiting: VecDeque::new(),
            buffer: vec![0; BUFFER].into_boxed_slice(),
            request: target.request(),
            target,
            sources,
            publisher: None,
            asking: 0,
            open: 0,
            bytes: 0,
            longest_turn: Duration::ZERO,
        })
    }

    /// Opens `count` streams and waits for the head of each, or for its failure.
    ///
    /// # Errors
    ///
    /// What the poll refuses; what a connection meets is the watcher's.
    pub fn open(
        &mut self,
        count: usize,
        opening: Opening,
        watcher: &mut (impl Watcher + ?Sized),
        mut progress: impl FnMut(usize),
    ) -> io::Result<()> {
        let mut begun = 0;
        while begun < count || self.asking > 0 {
            while begun < count && self.asking < opening.at_once {
                self.connect(watcher);
                begun += 1;
            }
            self.turn(Duration::from_millis(100), watcher)?;
            self.give_up_waiting(opening.patience, watcher);
            progress(begun - self.asking);
        }
        Ok(())
    }

    /// Begins one more connection.
    pub fn connect(&mut self, watcher: &mut (impl Watcher + ?Sized)) {
        let number = self.connections.len();
        match self.begin(Token(number)) {
            Ok(stream) => {
                self.connections.push(Some(Connection {
                    stream,
                    phase: Phase::Connecting,
                    message: Message::new(),
                    events: Events::default(),
                }));
                self.waiting.push_back((number, Instant::now()));
                self.asking += 1;
            }
            Err(error) => {
                self.connections.push(None);
                watcher.ended(number, Some(Fault::Connect(error)), Instant::now());
            }
        }
    }

    /// Waits for at most `patience` until something comes, and reads all that has.
    ///
    /// # Errors
    ///
    /// What the poll refuses.
    pub fn turn(
        &mut self,
        patience: Duration,
        watcher: &mut (impl Watcher + ?Sized),
    ) -> io::Result<()> {
        match self.poll.poll(&mut self.ready, Some(patience)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        let start = Instant::now();
        // Taken out, since reading needs the rest of `self`.
        let ready = std::mem::replace(&mut self.ready, mio::Events::with_capacity(1));
        for event in &ready {
            if event.token() == PUBLISHER {
                if let Some(publisher) = &mut self.publisher {
                    publisher.ready(&mut self.buffer);
                }
            } else {
                self.ready(event, watcher);
            }
        }
        self.ready = ready;
        self.longest_turn = self.longest_turn.max(start.elapsed());
        Ok(())
    }

    /// Lets those go that have waited for a head for longer than `patience`.
    pub fn give_up_waiting(&mut self, patience: Duration, watcher: &mut (impl Watcher + ?Sized)) {
        while let Some(&(number, since)) = self.waiting.front() {
            let waits = self.connections[number]
                .as_ref()
                .is_some_and(|connection| connection.phase != Phase::Open);
            if waits && since.elapsed() < patience {
                return;
            }
            self.waiting.pop_front();
            if waits {
                self.end(number, Some(Fault::TimedOut), Instant::now(), watcher);
            }
        }
    }

    /// Closes one; the watcher is not told.
    pub fn close(&mut self, number: usize) {
        if let Some(connection) = self.connections.get_mut(number).and_then(Option::take) {
            match connection.phase {
                Phase::Open => self.open -= 1,
                Phase::Connecting | Phase::Asked => self.asking -= 1,
            }
        }
    }

    /// Closes all.
    pub fn close_all(&mut self) {
        self.connections.clear();
        self.waiting.clear();
        self.asking = 0;
        self.open = 0;
    }

    /// Posts `body` to `path`, on a connection that is kept.
    ///
    /// # Errors
    ///
    /// What the connection meets.
    pub fn publish(&mut self, path: &Target, body: &str) -> io::Result<()> {
        if self.publisher.is_none() {
            let mut publisher = Publisher::connect(path)?;
            publisher.register(self.poll.registry(), PUBLISHER)?;
            self.publisher = Some(publisher);
        }
        match &mut self.publisher {
            Some(publisher) => publisher.publish(path, body),
            None => Ok(()),
        }
    }

    /// What has become of what was published.
    pub fn publication(&self) -> Publication {
        self.publisher
            .as_ref()
            .map(Publisher::publication)
            .unwrap_or_default()
    }

    /// How many streams are open.
    pub const fn open_streams(&self) -> usize {
        self.open
    }

    /// How many wait for a head.
    pub const fn asking(&self) -> usize {
        self.asking
    }

    /// Bytes that have been received, heads and all.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The longest time in which it was busy with what had come and looked for nothing new. What comes
    /// meanwhile looks as late as that.
    pub const fn longest_turn(&self) -> Duration {
        self.longest_turn
    }

    /// Begins to measure the [longest turn](Self::longest_turn) anew.
    pub const fn reset_longest_turn(&mut self) {
        self.longest_turn = Duration::ZERO;
    }

    fn begin(&mut self, token: Token) -> io::Result<TcpStream> {
        let mut stream = TcpStream::from_std(self.socket()?);
        self.poll.registry().register(
            &mut stream,
            token,
            Interest::READABLE | Interest::WRITABLE,
        )?;
        Ok(stream)
    }

    fn socket(&mut self) -> io::Result<StdStream> {
        let address = SockAddr::from(self.target.address);
        for _ in 0..MOST_PORTS_TRIED {
            let socket = Socket::new(
                Domain::for_address(self.target.address),
                Type::STREAM.nonblocking().cloexec(),
                None,
            )?;
            let source = self.sources.take();
            if let Some(source) = source {
                // Ports that were used a moment ago may be used again: the pair of both ends counts.
                socket.set_reuse_address(true)?;
                match socket.bind(&SockAddr::from(source)) {
                    Err(error) if error.kind() == io::ErrorKind::AddrInUse => continue,
                    result => result?,
                }
            }
            match socket.connect(&address) {
                Ok(()) => return Ok(socket.into()),
                Err(error) if error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error()) => {
                    return Ok(socket.into());
                }
                Err(error)
                    if error.kind() == io::ErrorKind::AddrNotAvailable && source.is_some() => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(
            io::ErrorKind::AddrNotAvailable,
            "no port is left to connect from",
        ))
    }

    fn ready(&mut self, event: &mio::event::Event, watcher: &mut (impl Watcher + ?Sized)) {
        let number = event.token().0;
        let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else {
            return;
        };
        if connection.phase == Phase::Connecting {
            let asked = match connection.stream.take_error() {
                Ok(None) if !event.is_writable() => return,
                Ok(None) => connection.stream.write(&self.request),
                Ok(Some(error)) | Err(error) => Err(error),
            };
            let fault = match asked {
                Ok(written) if written == self.request.len() => {
                    connection.phase = Phase::Asked;
                    None
                }
                Ok(_) => Some(Fault::Malformed(
                    "a request that a fresh socket does not take",
                )),
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return,
                Err(error) => Some(Fault::Connect(error)),
            };
            if fault.is_some() {
                self.end(number, fault, Instant::now(), watcher);
            }
            return;
        }
        self.read(number, event.is_read_closed() || event.is_error(), watcher);
    }

    fn read(&mut self, number: usize, closed: bool, watcher: &mut (impl Watcher + ?Sized)) {
        loop {
            let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else {
                return;
            };
            let read = connection.stream.read(&mut self.buffer);
            let now = Instant::now();
            match read {
                Ok(0) => {
                    let fault = (!connection.message.may_close()).then_some(Fault::ClosedEarly);
                    return self.end(number, fault, now, watcher);
                }
                Ok(length) => {
                    self.bytes += length as u64;
                    let was_open = connection.phase == Phase::Open;
                    let taken = connection.take(number, &self.buffer[..length], now, watcher);
                    if !was_open && connection.phase == Phase::Open {
                        self.asking -= 1;
                        self.open += 1;
                    }
                    match taken {
                        Ok(false) => {}
                        Ok(true) => return self.end(number, None, now, watcher),
                        Err(fault) => return self.end(number, Some(fault), now, watcher),
                    }
                    // A short read has emptied the socket; to ask again would cost as much.
                    if length < self.buffer.len() && !closed {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.end(number, Some(Fault::Broken(error)), now, watcher),
            }
        }
    }

    fn end(
        &mut self,
        number: usize,
        fault: Option<Fault>,
        now: Instant,
        watcher: &mut (impl Watcher + ?Sized),
    ) {
        self.close(number);
        watcher.ended(number, fault, now);
    }
}

impl Connection {
    /// Whether the response has come to its end.
    fn take(
        &mut self,
        number: usize,
        mut bytes: &[u8],
        now: Instant,
        watcher: &mut (impl Watcher + ?Sized),
    ) -> Result<bool, Fault> {
        while let Some(part) = self.message.next(&mut bytes)? {
            match part {
                Part::Head(head) => {
                    head.check()?;
                    self.phase = Phase::Open;
                    watcher.opened(number, now);
                }
                Part::Data(data) => {
                    self.events
                        .read(data, |sign| watcher.sign(number, sign, now))?;
                }
                Part::End => return Ok(true),
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_some_tens_of_bytes() {
        assert!(
            size_of::<Option<Connection>>() <= 112,
            "{}",
            size_of::<Option<Connection>>()
        );
    }
}
