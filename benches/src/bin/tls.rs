//! What an idle stream over TLS costs, taken over from hyper and left with it:
//! `cargo run --release -p sse-benches --bin tls -- --connections 2000`.
//!
//! The server is a process of its own; it tells its port and its certificate on a line, and ends with
//! its standard input.

use std::{
    env,
    error::Error,
    io::{BufRead as _, BufReader},
    net::Ipv4Addr,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
};

use axum::{Router, routing::get};
use clap::{Parser, ValueEnum};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sse_benches::{load::ensure_files, measure::Process};
use sse_layer::{ConnectionLimit, Drain, Event, Sse, SseLayer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    runtime::Runtime,
};
use tokio_rustls::{
    TlsAcceptor, TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName},
    },
};

type Failed = Box<dyn Error + Send + Sync>;

/// Where the client's connections come from.
const CLIENT: Ipv4Addr = Ipv4Addr::new(127, 127, 0, 2);

/// How many handshakes are under way at once.
const AT_ONCE: usize = 16;

/// Measures the memory of idle event streams over TLS
#[derive(Debug, Parser)]
struct Args {
    /// How many connections are open at once
    #[arg(long, default_value_t = 2000)]
    connections: usize,
    /// Is the server, and nothing else
    #[arg(long, value_enum, hide = true)]
    serve: Option<Who>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Who {
    /// Streams are taken over from hyper.
    Serve,
    /// Everything stays with hyper.
    Hyper,
}

fn main() -> Result<(), Failed> {
    let args = Args::parse();
    let runtime = Runtime::new()?;
    if let Some(who) = args.serve {
        return runtime.block_on(serve(who));
    }
    ensure_files(args.connections as u64)?;
    println!(
        "| {} idle streams over TLS 1.3 | RSS each, KiB |",
        args.connections
    );
    println!("|---|---|");
    for (who, name) in [
        (Who::Serve, "taken over by sse_layer::serve"),
        (Who::Hyper, "left with hyper"),
    ] {
        let each = runtime.block_on(measure(who, args.connections))?;
        println!("| {name} | {:.2} |", each / 1024.0);
    }
    Ok(())
}

async fn measure(who: Who, connections: usize) -> Result<f64, Failed> {
    let mut server = start(who)?;
    let said = server.stdout.take().ok_or("no standard output")?;
    let mut line = String::new();
    BufReader::new(said).read_line(&mut line)?;
    let (port, certificate) = line
        .trim()
        .split_once(' ')
        .ok_or("the server said nothing")?;
    let address = (Ipv4Addr::LOCALHOST, port.parse::<u16>()?);
    let connector = connector(CertificateDer::from(bytes(certificate)?))?;

    let process = Process::new(server.id())?;
    // What the first connection needs once.
    let first = open(&connector, address).await?;
    let before = process.memory()?;
    let streams: Vec<_> = stream::iter(0..connections)
        .map(|_| open(&connector, address))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let after = process.memory()?;
    drop((first, streams));
    server.kill()?;
    server.wait()?;
    Ok((after.rss as f64 - before.rss as f64) / connections as f64)
}

fn start(who: Who) -> Result<Child, Failed> {
    let who = match who {
        Who::Serve => "serve",
        Who::Hyper => "hyper",
    };
    Ok(Command::new(env::current_exe()?)
        .args(["--serve", who])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?)
}

/// A stream whose first bytes have come.
async fn open(
    connector: &TlsConnector,
    address: (Ipv4Addr, u16),
) -> Result<TlsStream<TcpStream>, Failed> {
    let socket = TcpSocket::new_v4()?;
    // Not the address on which other runs may have used up the ports.
    socket.bind((CLIENT, 0).into())?;
    let tcp = socket.connect(address.into()).await?;
    let mut tls = connector
        .connect(ServerName::try_from("localhost")?, tcp)
        .await?;
    tls.write_all(b"GET /idle HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n")
        .await?;
    // A write may end in rustls' buffer, where a read would leave it.
    tls.flush().await?;
    let mut read = Vec::new();
    // The comment that opens a stream, and the end of its chunk.
    while !read.ends_with(b":\n\r\n") {
        if tls.read_buf(&mut read).await? == 0 {
            return Err("the server closed a stream".into());
        }
    }
    if read.starts_with(b"HTTP/1.1 200") {
        Ok(tls)
    } else {
        Err("the server answered with something else than a stream".into())
    }
}

fn connector(certificate: CertificateDer<'static>) -> Result<TlsConnector, Failed> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate)?;
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn serve(who: Who) -> Result<(), Failed> {
    thread::spawn(|| {
        drop(std::io::copy(
            &mut std::io::stdin().lock(),
            &mut std::io::sink(),
        ));
        std::process::exit(0);
    });
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));

    let drain = Drain::new();
    let layer = SseLayer::new()
        .limit(ConnectionLimit::new(1_000_000))
        .drain(drain.clone());
    let app: Router = Router::new()
        .route("/idle", get(async || Sse::new(stream::pending::<Event>())))
        .layer(layer);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{} {}", listener.local_addr()?.port(), hex(made.cert.der()));
    sse_layer::serve(listener, app)
        .handshake(async move |tcp: TcpStream| acceptor.accept(tcp).await)
        .take_over(matches!(who, Who::Serve))
        .drain(drain)
        .await?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Result<Vec<u8>, Failed> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?))
        .collect()
}
