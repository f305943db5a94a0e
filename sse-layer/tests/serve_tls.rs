//! The example `tls`, by clients that speak TLS.
#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::{error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sse_layer::{Drain, serve::CutOff};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer},
};

#[path = "../examples/tls.rs"]
#[allow(dead_code, unreachable_pub, reason = "a program of its own")]
mod tls;

/// Longer than anything here takes, even on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(30);

struct Server {
    address: std::net::SocketAddr,
    certificate: CertificateDer<'static>,
    drain: Drain,
    task: JoinHandle<Result<(), CutOff>>,
}

impl Server {
    async fn start() -> Result<Self, Box<dyn Error>> {
        let (certificate, key) = tls::self_signed()?;
        let acceptor = tls::acceptor(certificate.clone(), key)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let drain = Drain::new().window(Duration::ZERO);
        Ok(Self {
            address: listener.local_addr()?,
            certificate,
            task: tokio::spawn(tls::serve(listener, acceptor, drain.clone())),
            drain,
        })
    }

    /// A connection on which one of these protocols was agreed on.
    async fn connect(&self, protocols: &[&str]) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let mut config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| (*name).into()).collect();
        let tcp = TcpStream::connect(self.address).await.unwrap();
        TlsConnector::from(Arc::new(config))
            .connect("localhost".try_into().unwrap(), tcp)
            .await
            .unwrap()
    }

    async fn ends(self) {
        self.drain.begin();
        let ended = timeout(PATIENCE, self.task).await.unwrap().unwrap();
        assert_eq!(ended, Ok(()));
    }
}

#[tokio::test]
async fn a_stream_over_tls_is_written_and_ended() {
    let server = Server::start().await.unwrap();
    let mut tls = server.connect(&["http/1.1"]).await;
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    tls.write_all(b"GET /ticks HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains("event: tick\ndata: 1\n\n") {
        let more = timeout(PATIENCE, tls.read_buf(&mut read)).await.unwrap();
        assert!(more.unwrap() > 0, "{}", String::from_utf8_lossy(&read));
    }
    let drain = server.drain.clone();
    drain.begin();
    timeout(PATIENCE, tls.read_to_end(&mut read))
        .await
        .unwrap()
        .unwrap();
    assert!(read.ends_with(b"\r\n0\r\n\r\n"));
    server.ends().await;
}

#[tokio::test]
async fn what_the_handshake_agreed_on_can_be_http2() {
    let server = Server::start().await.unwrap();
    let tls = server.connect(&["h2", "http/1.1"]).await;
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tls))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get("https://localhost/ticks").body(Empty::<Bytes>::new());
    let mut response = client.send_request(request.unwrap()).await.unwrap();
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains("event: tick\ndata: 1\n\n") {
        let frame = timeout(PATIENCE, response.frame()).await.unwrap();
        read.extend_from_slice(&frame.unwrap().unwrap().into_data().unwrap());
    }
    drop((client, response));
    server.ends().await;
    connection.abort();
}

#[tokio::test]
async fn whoever_speaks_no_tls_is_refused_alone() {
    let server = Server::start().await.unwrap();
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain
        .write_all(b"GET /ticks HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut read = Vec::new();
    // An alert and the end, or a reset.
    let _ = timeout(PATIENCE, plain.read_to_end(&mut read))
        .await
        .unwrap();
    assert!(!read.starts_with(b"HTTP"));
    let mut tls = server.connect(&["http/1.1"]).await;
    tls.write_all(b"GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut head = [0; 12];
    timeout(PATIENCE, tls.read_exact(&mut head))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&head, b"HTTP/1.1 404");
    server.ends().await;
}
