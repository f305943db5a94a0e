//! TLS to Redis.

use std::sync::Arc;

use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::{CryptoProvider, ring},
        pki_types::{CertificateDer, pem::PemObject},
    },
};

use super::url::InvalidConfig;
use crate::error::BoxError;

/// The certificates of a PEM file.
pub(super) fn roots(pem: &[u8]) -> Result<RootCertStore, InvalidConfig> {
    const WRONG: InvalidConfig = InvalidConfig("the root certificates are no certificates in PEM");
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| WRONG)?;
        roots.add(certificate).map_err(|_| WRONG)?;
    }
    if roots.is_empty() {
        Err(WRONG)
    } else {
        Ok(roots)
    }
}

/// Trusts these certificates, or else those that the system trusts.
///
/// The cryptography is the one that the process has chosen, if it has; a process in which several
/// are built in and none is chosen would panic without a choice here.
pub(super) fn connector(roots: Option<&RootCertStore>) -> Result<TlsConnector, BoxError> {
    let roots = match roots {
        Some(roots) => roots.clone(),
        None => system_roots()?,
    };
    let provider = CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(ring::default_provider()));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn system_roots() -> Result<RootCertStore, BoxError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    match found.errors.into_iter().next() {
        Some(error) if roots.is_empty() => Err(error.into()),
        _ => Ok(roots),
    }
}
