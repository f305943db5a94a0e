//! TLS in front of a server that speaks none.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, KeyPair};
use tokio::io::copy;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Takes the TLS off, and passes on what is left. It ends when it is dropped.
pub(crate) struct Front {
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// A server's certificate and key, and what a client has to trust.
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    pub(crate) root: String,
}

impl Identity {
    /// Signed by an authority of its own.
    pub(crate) fn signed(name: &str) -> Self {
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = pem(&authority.self_signed(&authority_key).unwrap());
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        Self {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            root,
        }
    }

    /// As `openssl req -x509` makes them: for a server, but as if it signed others.
    pub(crate) fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            root: pem(&certificate),
        }
    }
}

fn pem(certificate: &Certificate) -> String {
    let base64 = STANDARD.encode(certificate.der());
    format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
}

impl Front {
    /// In front of this server, agreeing on one of these protocols.
    pub(crate) async fn start(server: SocketAddr, identity: Identity, protocols: &[&str]) -> Self {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(identity.chain, identity.key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|it| (*it).into()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(client) = acceptor.accept(client).await else {
                        return;
                    };
                    let mut server = TcpStream::connect(server).await.unwrap();
                    let (mut from_server, mut to_server) = server.split();
                    let (mut from_client, mut to_client) = tokio::io::split(client);
                    // The end of TLS is not told, as many servers don't.
                    tokio::select! {
                        _ = copy(&mut from_server, &mut to_client) => {}
                        _ = copy(&mut from_client, &mut to_server) => {}
                    }
                });
            }
        });
        Self { address, task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of this path, at this name.
    pub(crate) fn url(&self, host: &str, path: &str) -> String {
        format!("https://{host}:{}{path}", self.address.port())
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}
