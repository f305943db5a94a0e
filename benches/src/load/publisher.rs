use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream as StdStream},
};

use mio::{Interest, Registry, Token, net::TcpStream};
use socket2::{Domain, SockAddr, Socket, Type};

use super::{Message, Part, Target};

/// Posts events, on one connection that is kept: so they arrive in the order in which they were sent.
#[derive(Debug)]
pub struct Publisher {
    stream: TcpStream,
    unsent: Vec<u8>,
    message: Message,
    publication: Publication,
}

/// Where the publisher connects from, if that is this machine: the load's own connections may have
/// worn all ports of the first addresses.
const SOURCE: Ipv4Addr = Ipv4Addr::new(127, 127, 0, 1);

/// What has become of what was published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Publication {
    /// How many events the server has taken.
    pub accepted: u64,
    /// What went wrong first.
    pub fault: Option<String>,
}

impl Publisher {
    pub(super) fn connect(target: &Target) -> io::Result<Self> {
        let stream = connect(target.address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream: TcpStream::from_std(stream),
            unsent: Vec::new(),
            message: Message::new(),
            publication: Publication::default(),
        })
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(
            &mut self.stream,
            token,
            Interest::READABLE | Interest::WRITABLE,
        )
    }

    pub(super) fn publish(&mut self, target: &Target, body: &str) -> io::Result<()> {
        self.unsent.extend_from_slice(&target.post(body));
        self.write()
    }

    pub(super) fn publication(&self) -> Publication {
        self.publication.clone()
    }

    pub(super) fn ready(&mut self, buffer: &mut [u8]) {
        if let Err(error) = self.write().and_then(|()| self.read(buffer)) {
            self.fail(format!("the connection that publishes broke: {error}"));
        }
    }

    fn write(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(written) => drop(self.unsent.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.take(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn take(&mut self, mut bytes: &[u8]) {
        loop {
            match self.message.next(&mut bytes) {
                Ok(Some(Part::Head(head))) if !(200..300).contains(&head.status) => {
                    self.fail(format!(
                        "publishing was answered with status {}",
                        head.status
                    ));
                }
                Ok(Some(Part::Head(_) | Part::Data(_))) => {}
                Ok(Some(Part::End)) => {
                    self.publication.accepted += 1;
                    self.message = Message::new();
                }
                Ok(None) => return,
                Err(fault) => return self.fail(format!("publishing was answered badly: {fault}")),
            }
        }
    }

    fn fail(&mut self, what: String) {
        self.publication.fault.get_or_insert(what);
    }
}

fn connect(address: SocketAddr) -> io::Result<StdStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if matches!(address.ip(), IpAddr::V4(address) if address.is_loopback()) {
        socket.bind(&SockAddr::from(SocketAddr::from((SOURCE, 0))))?;
    }
    socket.connect(&SockAddr::from(address))?;
    Ok(socket.into())
}
