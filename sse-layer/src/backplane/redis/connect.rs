//! The way to the server that takes writes for the prefix: alone, called master by sentinels, or
//! the one of a cluster that has the slot.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Cmd, ProtocolVersion, PushInfo, RedisConnectionInfo, RedisError,
    aio::MultiplexedConnection,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};

use super::{
    failure::not_connected,
    keys::Keys,
    script,
    url::{Host, Servers, Url},
};
use crate::backplane::{BackplaneError, Failure};

/// Makes connections.
pub(super) struct Connector {
    pub(super) url: Url,
    pub(super) tls: Option<TlsConnector>,
    pub(super) timeout: Duration,
    pub(super) keys: Keys,
}

/// The two connections of a node.
pub(super) struct Link {
    pub(super) commands: MultiplexedConnection,
    pub(super) commands_driver: Spawned,
    pub(super) subscription: MultiplexedConnection,
    /// Hands over what comes. The connection lives while it is polled.
    pub(super) subscription_driver: Driver,
}

type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A task that ends with its handle.
pub(super) struct Spawned(JoinHandle<()>);

/// What takes the messages of a subscription.
pub(super) type OnPush = Arc<dyn Fn(PushInfo) + Send + Sync>;

/// How often a cluster may point to another of its servers in one attempt.
const REDIRECTS: usize = 5;

impl Connector {
    /// Connects to the first server that can be reached and takes writes.
    pub(super) async fn connect(&self, on_push: &OnPush) -> Result<Link, BackplaneError> {
        let hosts = match &self.url.servers {
            Servers::Hosts(hosts)
            | Servers::Sentinels {
                sentinels: hosts, ..
            } => hosts,
        };
        let mut error = None;
        for host in hosts {
            let attempt = timeout(self.timeout, self.connect_by(host, on_push)).await;
            let attempt = attempt.unwrap_or_else(|_| Err(too_slow()));
            match attempt {
                Ok(link) => return Ok(link),
                Err(failed) => error = Some(failed),
            }
        }
        Err(error.unwrap_or_else(too_slow))
    }

    async fn connect_by(&self, host: &Host, on_push: &OnPush) -> Result<Link, BackplaneError> {
        let mut host = match &self.url.servers {
            Servers::Hosts(_) => host.clone(),
            Servers::Sentinels { master, .. } => self.ask_sentinel(host, master).await?,
        };
        for _ in 0..REDIRECTS {
            let (commands, driver) = self.open(&host, self.login(), None).await?;
            let commands_driver = Spawned(tokio::spawn(driver));
            let clock = self.keys.clock();
            let attached = script::ATTACH.run(&commands, &[&clock], &[]).await;
            if let Err(error) = attached {
                host = redirected(&error, &host).ok_or_else(|| not_connected(error))?;
                continue;
            }
            let (subscription, subscription_driver) = self
                .open(&host, self.login(), Some(on_push.clone()))
                .await?;
            return Ok(Link {
                commands,
                commands_driver,
                subscription,
                subscription_driver,
            });
        }
        let error = "the cluster's servers point to each other without end";
        Err(BackplaneError::new(Failure::Unavailable, error))
    }

    /// Whom this sentinel calls the master.
    async fn ask_sentinel(&self, sentinel: &Host, master: &str) -> Result<Host, BackplaneError> {
        let nobody = RedisConnectionInfo::default().set_skip_set_lib_name();
        let (mut connection, driver) = self.open(sentinel, nobody, None).await?;
        let _driver = Spawned(tokio::spawn(driver));
        let mut ask = Cmd::new();
        ask.arg("SENTINEL")
            .arg("GET-MASTER-ADDR-BY-NAME")
            .arg(master);
        let answer: Option<(String, u16)> = ask
            .query_async(&mut connection)
            .await
            .map_err(not_connected)?;
        let (name, port) = answer.ok_or_else(|| {
            BackplaneError::new(
                Failure::Unavailable,
                "the sentinel knows no master of this name",
            )
        })?;
        Ok(Host { name, port })
    }

    fn login(&self) -> RedisConnectionInfo {
        let mut login = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP3)
            .set_db(self.url.database)
            .set_skip_set_lib_name();
        if let Some(user) = &self.url.user {
            login = login.set_username(user);
        }
        if let Some(password) = &self.url.password {
            login = login.set_password(password);
        }
        login
    }

    async fn open(
        &self,
        host: &Host,
        login: RedisConnectionInfo,
        on_push: Option<OnPush>,
    ) -> Result<(MultiplexedConnection, Driver), BackplaneError> {
        let io = |error| BackplaneError::new(Failure::Unavailable, NotReached(host.clone(), error));
        let address = (host.name.as_str(), host.port);
        let stream = TcpStream::connect(address).await.map_err(io)?;
        stream.set_nodelay(true).map_err(io)?;
        let stream: Box<dyn Stream> = match &self.tls {
            Some(tls) => {
                let name = ServerName::try_from(host.name.clone())
                    .map_err(|error| BackplaneError::new(Failure::Refused, error))?;
                Box::new(tls.connect(name, stream).await.map_err(io)?)
            }
            None => Box::new(stream),
        };
        let mut config = AsyncConnectionConfig::new().set_response_timeout(Some(self.timeout));
        if let Some(on_push) = on_push {
            config = config.set_push_sender(move |push| {
                on_push(push);
                Ok::<_, std::convert::Infallible>(())
            });
        }
        let (connection, driver) = MultiplexedConnection::new_with_config(&login, stream, config)
            .await
            .map_err(not_connected)?;
        Ok((connection, Box::pin(driver)))
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Spawned {
    /// Resolves when it has ended.
    pub(super) async fn ended(&mut self) {
        let _ = (&mut self.0).await;
    }
}

/// A connection's bytes, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T> Stream for T where T: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

/// That a server can't be talked to.
#[derive(Debug)]
struct NotReached(Host, std::io::Error);

impl std::fmt::Display for NotReached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.0, self.1)
    }
}

impl std::error::Error for NotReached {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.1)
    }
}

/// Where another server has the slot.
fn redirected(error: &RedisError, from: &Host) -> Option<Host> {
    let (address, _) = error.redirect_node()?;
    // An IPv6 address has no brackets here.
    let (name, port) = address.rsplit_once(':')?;
    let name = if name.is_empty() { &from.name } else { name };
    Some(Host {
        name: name.to_owned(),
        port: port.parse().ok()?,
    })
}

fn too_slow() -> BackplaneError {
    BackplaneError::new(Failure::Unavailable, "it took too long to connect")
}
