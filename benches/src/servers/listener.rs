//! The socket that all servers listen on.

use std::{
    io::{self, Write as _},
    net::{SocketAddr, TcpListener},
};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that wait to be accepted. The kernel takes its own bound, `net.core.somaxconn`, if
/// that is lower: 4,096 unless set.
const BACKLOG: i32 = 65_535;

/// Listens, non-blocking.
///
/// `TCP_NODELAY` is set here and not on each connection: on Linux connections inherit it, so that
/// all servers have it alike, the ones that can't set it too.
pub(super) fn bind(address: SocketAddr, shared_port: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    if shared_port {
        socket.set_reuse_port(true)?;
    }
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Tells on the standard output where it listens.
pub(super) fn announce(address: SocketAddr) -> io::Result<()> {
    // Not println!, which panics where nobody reads it.
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on http://{address}")?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    #[test]
    fn connections_inherit_no_delay() {
        let listener = bind(ANY, false).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        assert!(accepted.nodelay().unwrap());
    }

    #[test]
    fn a_port_is_shared_by_those_that_agree_to() {
        let first = bind(ANY, true).unwrap();
        let address = first.local_addr().unwrap();
        bind(address, true).unwrap();
        let error = bind(address, false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
