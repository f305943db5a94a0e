//! Where the servers are, and who this node is to them.

use std::{
    error::Error as StdError,
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{ConnectOptions, ServerAddr};

use super::subject::{is_prefix, unescape};
use crate::{
    backplane::{BackplaneError, Failure},
    random,
};

/// How many messages of one subscription may wait to be looked at. The client drops what comes then,
/// and the node reads it. It brings thousands of them before another task has its turn.
const WAITING: usize = 65_536;

/// The pauses between attempts to connect, and to find the stream: the first and the longest.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A URL or a prefix that can't be used. It does not show the URL, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidNats {
    why: &'static str,
}

impl fmt::Display for InvalidNats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why)
    }
}

impl StdError for InvalidNats {}

#[derive(Clone)]
pub(super) struct Options {
    pub(super) prefix: String,
    pub(super) timeout: Duration,
    pub(super) replicas: usize,
    pub(super) max_bytes: Option<u64>,
    pub(super) roots: Vec<PathBuf>,
    pub(super) client: Option<(PathBuf, PathBuf)>,
    pub(super) who: Who,
    servers: Vec<ServerAddr>,
}

/// Who this node is.
#[derive(Clone)]
pub(super) enum Who {
    Anyone,
    Token(String),
    User(String, String),
    Nkey(String),
    Credentials(PathBuf),
}

impl Options {
    pub(super) fn new(url: &str) -> Result<Self, InvalidNats> {
        let invalid = |why| InvalidNats { why };
        let (scheme, rest) = url
            .split_once("://")
            .ok_or(invalid("a NATS URL begins with nats:// or tls://"))?;
        if !matches!(scheme, "nats" | "tls") {
            return Err(invalid("a NATS URL begins with nats:// or tls://"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (who, hosts) = match rest.rsplit_once('@') {
            Some((who, hosts)) => (Who::parse(who)?, hosts),
            None => (Who::Anyone, rest),
        };
        let servers = hosts.split(',').map(|host| {
            let plain = !host.is_empty() && !host.contains(['/', '#', '\\']);
            let address = plain.then(|| format!("{scheme}://{host}").parse::<ServerAddr>());
            match address {
                Some(Ok(address)) if !address.host().is_empty() => Ok(address),
                _ => Err(invalid("a NATS URL names servers as host:port,host:port")),
            }
        });
        let mut options = Self {
            prefix: String::from("sse"),
            timeout: Duration::from_secs(5),
            replicas: 1,
            max_bytes: None,
            roots: Vec::new(),
            client: None,
            who,
            servers: servers.collect::<Result<_, _>>()?,
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "prefix" => options.set_prefix(&value)?,
                _ => return Err(invalid("a NATS URL has no parameter but prefix")),
            }
        }
        Ok(options)
    }

    pub(super) fn set_prefix(&mut self, prefix: &str) -> Result<(), InvalidNats> {
        if !is_prefix(prefix) {
            let why = "a prefix is made of up to 64 letters, digits, - and _";
            return Err(InvalidNats { why });
        }
        prefix.clone_into(&mut self.prefix);
        Ok(())
    }

    pub(super) fn servers(&self) -> &[ServerAddr] {
        &self.servers
    }

    /// What the client is to do: to tell of a server that is silent within the timeout, to try
    /// again without end, and to keep little.
    pub(super) async fn connect_options(&self) -> Result<ConnectOptions, BackplaneError> {
        let mut options = ConnectOptions::new()
            .name("sse-layer")
            .connection_timeout(self.timeout)
            .request_timeout(Some(self.timeout))
            // The third ping without an answer is one too many.
            .ping_interval((self.timeout / 3).max(Duration::from_millis(10)))
            .subscription_capacity(WAITING)
            .max_reconnects(None)
            // Servers that another tells of have no scheme, and it tells of them before TLS begins.
            .require_tls(self.servers.iter().any(ServerAddr::tls_required))
            .reconnect_delay_callback(pauses());
        for root in &self.roots {
            options = options.add_root_certificates(root.clone());
        }
        if let Some((certificate, key)) = &self.client {
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
        Ok(match &self.who {
            Who::Anyone => options,
            Who::Token(token) => options.token(token.clone()),
            Who::User(user, password) => options.user_and_password(user.clone(), password.clone()),
            Who::Nkey(seed) => options.nkey(seed.clone()),
            Who::Credentials(file) => {
                let read = options.credentials_file(file).await;
                read.map_err(|error| {
                    let error = format!("the credentials file {}: {error}", file.display());
                    BackplaneError::new(Failure::Refused, error)
                })?
            }
        })
    }
}

impl Who {
    fn parse(text: &str) -> Result<Self, InvalidNats> {
        let why = "a user, a password or a token in a NATS URL is percent-encoded UTF-8";
        // It may be another server with its own password, which would become part of the first's.
        if text.contains('@') {
            return Err(InvalidNats { why });
        }
        let part = |text| unescape(text).ok_or(InvalidNats { why });
        Ok(match text.split_once(':') {
            Some((user, password)) => Self::User(part(user)?, part(password)?),
            None => Self::Token(part(text)?),
        })
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Anyone => "no authentication",
            Self::Token(_) => "a token",
            Self::User(..) => "a user and a password",
            Self::Nkey(_) => "an nkey",
            Self::Credentials(_) => "credentials",
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers: Vec<_> = self.servers.iter().map(ServerAddr::as_url_str).collect();
        f.debug_struct("Nats")
            .field("servers", &servers)
            .field("who", &self.who.kind())
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("replicas", &self.replicas)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}

/// The pause before each attempt: none before the very first, then more and more of it, and half of
/// it by chance, so that the nodes do not come all at once.
fn pauses() -> impl Fn(usize) -> Duration + Send + Sync + 'static {
    let begun = Arc::new(AtomicBool::new(false));
    move |attempt| {
        if !begun.swap(true, Ordering::Relaxed) {
            return Duration::ZERO;
        }
        let attempt = u32::try_from(attempt).unwrap_or(u32::MAX);
        random::backoff(FIRST_PAUSE, LONGEST_PAUSE, attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_servers_who_and_prefix() {
        let options = Options::new("nats://me:p%40ss@one:4333,two?prefix=shop").unwrap();
        let servers: Vec<_> = options
            .servers
            .iter()
            .map(|at| (at.host(), at.port()))
            .collect();
        assert_eq!(servers, [("one", 4333), ("two", 4222)]);
        assert_eq!(options.prefix, "shop");
        assert!(matches!(&options.who, Who::User(user, word) if user == "me" && word == "p@ss"));
        let token = Options::new("tls://t0ken@[::1]:4222/").unwrap();
        assert!(matches!(&token.who, Who::Token(token) if token == "t0ken"));
        assert!(token.servers[0].tls_required());
    }

    #[test]
    fn what_is_no_url_is_told() {
        for url in [
            "",
            "redis://one",
            "nats://",
            "nats://one,,two",
            "nats://one/path",
            "nats://%zz@one",
            "nats://me:word@one,me:word@two",
            "nats://one?prefix=a.b",
            "nats://one?prefix=",
            "nats://one?other=1",
        ] {
            assert!(Options::new(url).is_err(), "{url}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let options = Options::new("nats://me:s3cr3t@one").unwrap();
        assert!(!format!("{options:?}").contains("s3cr3t"));
        let error = Options::new("nats://me:s3cr3t@/one").unwrap_err();
        assert!(!format!("{error:?} {error}").contains("s3cr3t"));
    }

    #[test]
    fn pauses_grow_and_are_spread() {
        let pause = pauses();
        assert_eq!(pause(1), Duration::ZERO);
        for attempt in 1..100 {
            let longest = Duration::from_millis(100 << (attempt - 1).min(10)).min(LONGEST_PAUSE);
            let pause = pause(attempt);
            assert!(
                pause <= longest && pause >= longest / 2,
                "{attempt}: {pause:?}"
            );
        }
    }
}
