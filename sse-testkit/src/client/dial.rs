//! From an address to a stream of bytes, over TLS or not.

use std::fmt;

use http::{Request, Uri, Version};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

#[cfg(feature = "tls")]
use super::tls;
use super::transport::{BoxError, ResetOnClose};

/// What HTTP is spoken over.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// There is nothing to send a request to.
#[derive(Debug)]
pub(crate) struct Unreachable {
    reason: String,
    /// Whether that is the same a moment later.
    pub(crate) for_good: bool,
}

impl Unreachable {
    /// A network that is down, a server that starts.
    pub(super) fn for_now(reason: String) -> Self {
        Self {
            reason,
            for_good: false,
        }
    }

    /// What someone has to mend.
    pub(super) fn for_good(reason: String) -> Self {
        Self {
            reason,
            for_good: true,
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Unreachable {}

/// Why there can't be a connection to this address.
pub(crate) fn refusal(url: &Uri) -> Option<String> {
    match (url.scheme_str(), url.host()) {
        (Some("http" | "https"), None | Some("")) => Some(format!("{url} has no host")),
        (Some("http" | "https"), _) if has_user(url) => Some(
            "the URL has a user in it, which this client does not send; set an authorization \
             header instead"
                .to_owned(),
        ),
        (Some("https"), _) if !cfg!(feature = "tls") => Some(format!(
            "{url} needs TLS, which sse-testkit has with its feature `tls`"
        )),
        (Some("http" | "https"), _) if !has_port(url) => {
            Some(format!("{url} has a port that is none"))
        }
        (Some("http" | "https"), _) => None,
        _ => Some(format!("{url} is not an http:// or https:// URL")),
    }
}

fn has_user(url: &Uri) -> bool {
    url.authority().is_some_and(|it| it.as_str().contains('@'))
}

/// Whether a port that is written down is one.
fn has_port(url: &Uri) -> bool {
    let authority = url.authority().map_or("", |it| it.as_str());
    let after_host = authority.rsplit_once(']').map_or(authority, |(_, it)| it);
    let port = after_host.rsplit_once(':').map_or("", |(_, port)| port);
    port.is_empty() || url.port_u16().is_some()
}

/// Connects to where the request goes, to speak this version of HTTP.
pub(crate) async fn dial<B>(
    request: &Request<B>,
    version: Version,
) -> Result<Box<dyn Wire>, BoxError> {
    let url = request.uri();
    if let Some(reason) = refusal(url) {
        return Err(Unreachable::for_good(reason).into());
    }
    let is_tls = url.scheme_str() == Some("https");
    let host = url.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let tcp = TcpStream::connect((host, port)).await.map_err(|error| {
        Unreachable::for_now(format!("can't connect to {host}:{port}: {error}"))
    })?;
    tcp.set_nodelay(true)?;
    if request.extensions().get::<ResetOnClose>().is_some() {
        tcp.set_zero_linger()?;
    }
    #[cfg(feature = "tls")]
    if is_tls {
        let roots = request.extensions().get::<tls::Roots>();
        let tls = tls::handshake(tcp, host, version, roots).await;
        return Ok(Box::new(tls.map_err(|error| error.of(host, port))?));
    }
    #[cfg(not(feature = "tls"))]
    let _ = version;
    Ok(Box::new(tcp))
}
