//! A client that sends what it is told, byte for byte, and shows what comes back.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

use super::in_time;

pub(crate) struct Raw<I = TcpStream>(pub(crate) I);

impl Raw {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        let tcp = in_time("a connection", TcpStream::connect(addr))
            .await
            .unwrap();
        tcp.set_nodelay(true).unwrap();
        Self(tcp)
    }

    /// Goes as a process goes that is killed with something unread: with a reset.
    pub(crate) fn reset(self) {
        socket2::SockRef::from(&self.0)
            .set_linger(Some(std::time::Duration::ZERO))
            .unwrap();
    }
}

impl<I> Raw<I>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        in_time("a write", self.0.write_all(bytes.as_ref()))
            .await
            .unwrap();
    }

    pub(crate) async fn get(&mut self, path: &str) {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"))
            .await;
    }

    /// All up to and with the end that is named.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            match in_time(&format!("{end:?}"), self.0.read_u8()).await {
                Ok(byte) => read.push(byte),
                Err(error) => panic!(
                    "no {end:?}, but {error}: {}",
                    String::from_utf8_lossy(&read)
                ),
            }
        }
        String::from_utf8(read).unwrap()
    }

    /// The head of a response, in small letters.
    pub(crate) async fn head(&mut self) -> String {
        self.until("\r\n\r\n").await.to_ascii_lowercase()
    }

    /// A response with a length: head and body.
    pub(crate) async fn page(&mut self) -> (String, String) {
        let head = self.head().await;
        let (_, rest) = head.split_once("content-length: ").expect(&head);
        let length = rest.lines().next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        in_time("a body", self.0.read_exact(&mut body))
            .await
            .unwrap();
        (head, String::from_utf8(body).unwrap())
    }

    /// Asks for a stream, and reads to the end of its first event.
    pub(crate) async fn open(&mut self, path: &str) {
        self.get(path).await;
        let head = self.head().await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
        self.until("data: first\n\n\r\n").await;
    }

    /// All that comes until the connection is over, whether that is by a close or a reset.
    pub(crate) async fn remains(&mut self) -> String {
        let mut read = Vec::new();
        let end = self.0.read_to_end(&mut read);
        let _ = in_time("the connection's end", end).await;
        String::from_utf8(read).unwrap()
    }

    /// All that comes until the server closes.
    pub(crate) async fn rest(&mut self) -> io::Result<String> {
        let mut read = Vec::new();
        in_time("the connection's end", self.0.read_to_end(&mut read)).await?;
        Ok(String::from_utf8(read).unwrap())
    }
}
