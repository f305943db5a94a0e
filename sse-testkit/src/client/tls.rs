//! TLS: whom to trust, and what a handshake that fails means.

use std::io;
use std::sync::{Arc, LazyLock};

use http::Version;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{Resumption, WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
};

use super::dial::Unreachable;

/// Certificates that are trusted beside those of the system.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roots(Vec<CertificateDer<'static>>);

impl Roots {
    /// Adds those of a PEM file.
    pub(crate) fn add(&mut self, pem: &[u8]) -> Result<(), String> {
        let no_certificate = |why: &str| format!("this is no root certificate in PEM: {why}");
        let before = self.0.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| no_certificate(&error.to_string()))?;
            let usable = RootCertStore::empty().add(certificate.clone());
            usable.map_err(|error| no_certificate(&error.to_string()))?;
            self.0.push(certificate);
        }
        match self.0.len() > before {
            true => Ok(()),
            false => Err(no_certificate("there is no BEGIN CERTIFICATE")),
        }
    }

    /// Adds them to what a request carries.
    pub(crate) fn extend(extensions: &mut http::Extensions, pem: &[u8]) -> Result<(), String> {
        let mut roots = extensions.remove::<Self>().unwrap_or_default();
        let added = roots.add(pem);
        extensions.insert(roots);
        added
    }
}

/// Why there is no TLS.
pub(super) struct NoTls(io::Error, Version);

/// Those of the system, which are read once: there are more than a hundred.
static SYSTEM: LazyLock<RootCertStore> = LazyLock::new(|| {
    let mut store = RootCertStore::empty();
    // What can't be read is not trusted; that is told where it matters.
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    store
});

pub(super) async fn handshake(
    tcp: TcpStream,
    host: &str,
    version: Version,
    roots: Option<&Roots>,
) -> Result<TlsStream<TcpStream>, NoTls> {
    let fail = |error| NoTls(error, version);
    let name = ServerName::try_from(host.to_owned());
    let name = name.map_err(|error| fail(io::Error::other(error)))?;
    let config = config(version, roots).map_err(|error| fail(io::Error::other(error)))?;
    let connector = TlsConnector::from(Arc::new(config));
    let tls = connector.connect(name, tcp).await.map_err(fail)?;
    // A server that takes no part in the choice speaks HTTP/1.1.
    match (version, tls.get_ref().1.alpn_protocol()) {
        (Version::HTTP_2, None) => Err(fail(io::Error::other(Error::NoApplicationProtocol))),
        _ => Ok(tls),
    }
}

fn config(version: Version, roots: Option<&Roots>) -> Result<ClientConfig, Error> {
    // Not the default one: a program may have several, and then has to choose.
    let provider = Arc::new(ring::default_provider());
    let trust = Trust::new(roots.cloned().unwrap_or_default(), &provider)?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust))
        .with_no_client_auth();
    let protocol = match version {
        Version::HTTP_2 => "h2",
        _ => "http/1.1",
    };
    config.alpn_protocols = vec![protocol.into()];
    // Each connection is that of another client.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Trusts what the system's and the given root certificates have signed, and a server whose own
/// certificate is given. That is usual on development machines, and webpki refuses it if the
/// certificate may sign others, which is what `openssl req -x509` makes.
#[derive(Debug)]
struct Trust {
    signed: Arc<WebPkiServerVerifier>,
    given: Vec<CertificateDer<'static>>,
}

impl Trust {
    fn new(Roots(given): Roots, provider: &Arc<CryptoProvider>) -> Result<Self, Error> {
        let mut store = SYSTEM.clone();
        store.add_parsable_certificates(given.iter().cloned());
        let (store, provider) = (Arc::new(store), Arc::clone(provider));
        let signed = WebPkiServerVerifier::builder_with_provider(store, provider)
            .build()
            .map_err(|_| Error::General(NO_ROOTS.to_owned()))?;
        Ok(Self { signed, given })
    }
}

const NO_ROOTS: &str = "this system has no root certificates, so none can be trusted";

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let signed = self.signed.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match signed {
            // What it is refused for has no name in rustls, and comes after its time was checked.
            Err(Error::InvalidCertificate(CertificateError::Other(_)))
                if self.given.contains(end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signed.supported_verify_schemes()
    }
}

impl NoTls {
    /// What to tell, and whether another attempt could do better.
    pub(super) fn of(self, host: &str, port: u16) -> Unreachable {
        let Self(error, version) = self;
        let tls = error.get_ref().and_then(|it| it.downcast_ref::<Error>());
        let Some(tls) = tls else {
            return Unreachable::for_now(format!("no TLS with {host}:{port}: {error}"));
        };
        let why = match tls {
            // Two authorities of one name make a wrong signature, and a server's own certificate that
            // may sign others is refused before anybody asks who has signed it.
            Error::InvalidCertificate(
                reason @ (CertificateError::UnknownIssuer
                | CertificateError::BadSignature
                | CertificateError::Other(_)),
            ) => format!(
                "nobody who is trusted here has issued its certificate ({reason}); give the \
                 issuer's, or its own, in PEM, with --ca or root_certificate()"
            ),
            Error::InvalidCertificate(reason) => format!("its certificate is refused: {reason}"),
            Error::NoApplicationProtocol
            | Error::AlertReceived(AlertDescription::NoApplicationProtocol) => match version {
                Version::HTTP_2 => "it does not speak HTTP/2".to_owned(),
                _ => "it does not speak HTTP/1.1".to_owned(),
            },
            Error::InvalidMessage(_) => {
                format!("what it answers is no TLS ({tls}); is its address an http:// one?")
            }
            other => other.to_string(),
        };
        Unreachable::for_good(format!("no TLS with {host}:{port}: {why}"))
    }
}
