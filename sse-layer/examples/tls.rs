//! Event streams over TLS, on HTTP/1.1 and HTTP/2:
//! `cargo run -p sse-layer --example tls --features axum,json,serve`, then
//! `curl -Nk https://127.0.0.1:3443/ticks`.
//!
//! The certificate is made when the program starts, for this machine alone. A real one comes from
//! files: rustls-pki-types reads PEM.

use std::{error::Error, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use futures_util::{Stream, StreamExt as _};
use sse_layer::{Drain, Event, Sse, SseLayer};
use tokio::{
    net::{TcpListener, TcpStream},
    time::interval,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};
use tokio_stream::wrappers::IntervalStream;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (certificate, key) = self_signed()?;
    let acceptor = acceptor(certificate, key)?;
    let drain = Drain::new();
    tokio::spawn(drain.begin_after(tokio::signal::ctrl_c()));

    let listener = TcpListener::bind("127.0.0.1:3443").await?;
    println!("listening on https://{}", listener.local_addr()?);
    serve(listener, acceptor, drain).await?;
    Ok(())
}

/// The server: a handshake before HTTP, and nothing else that is not as without TLS.
pub async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    drain: Drain,
) -> Result<(), sse_layer::serve::CutOff> {
    let app: Router = Router::new()
        .route("/ticks", get(ticks))
        .layer(SseLayer::new().drain(drain.clone()));
    sse_layer::serve(listener, app)
        .handshake(async move |tcp: TcpStream| acceptor.accept(tcp).await)
        .drain(drain)
        .await
}

async fn ticks() -> Sse<impl Stream<Item = Event>> {
    let ticks = IntervalStream::new(interval(Duration::from_secs(1))).enumerate();
    Sse::new(ticks.map(|(n, _)| Event::text(n.to_string()).event("tick")))
}

/// What is agreed on in the handshake: the server sees the protocol by its first bytes, but a client
/// wants to be told.
pub fn acceptor(
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> Result<TlsAcceptor, Box<dyn Error>> {
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    config.alpn_protocols = vec![b"h2".into(), b"http/1.1".into()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A certificate for this machine, and its key.
pub fn self_signed() -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), Box<dyn Error>> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names)?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    Ok((made.cert.der().clone(), key))
}
