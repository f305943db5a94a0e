//! A server that does what a test tells it, right or wrong.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    ops::ControlFlow,
    thread,
};

/// Answers each request with `answer`, which is told its path and its body; the connection is
/// kept for more until that breaks off.
pub(crate) fn serve(
    answer: impl Fn(&str, &str, &mut TcpStream) -> io::Result<ControlFlow<()>> + Clone + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = answer.clone();
            // A client that has gone is its own business.
            thread::spawn(move || drop(stream.and_then(|stream| attend(stream, answer))));
        }
    });
    address
}

fn attend(
    mut stream: TcpStream,
    answer: impl Fn(&str, &str, &mut TcpStream) -> io::Result<ControlFlow<()>>,
) -> io::Result<()> {
    let mut requests = BufReader::new(stream.try_clone()?);
    loop {
        let mut line = String::new();
        requests.read_line(&mut line)?;
        let path = line.split(' ').nth(1).unwrap_or("").to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            if requests.read_line(&mut header)? == 0 {
                return Ok(());
            }
            if header == "\r\n" {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length: ") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        requests.read_exact(&mut body)?;
        let body = String::from_utf8(body).map_err(io::Error::other)?;
        if answer(&path, &body, &mut stream)?.is_break() {
            return Ok(());
        }
    }
}

/// The head of an event stream in chunks.
pub(crate) fn head(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
    )
}

/// A chunk of it.
pub(crate) fn chunk(stream: &mut TcpStream, data: &str) -> io::Result<()> {
    let length = data.len();
    stream.write_all(format!("{length:x}\r\n{data}\r\n").as_bytes())
}
