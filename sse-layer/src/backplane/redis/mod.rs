//! Redis as an engine.
//!
//! ```no_run
//! use sse_layer::backplane::redis::Redis;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Redis::new("rediss://node:s3cr3t@redis.example:6380/?prefix=shop")?
//!     .root_certificates(&std::fs::read("ca.pem")?)?;
//! # let _ = engine;
//! # Ok(())
//! # }
//! ```
//!
//! Each topic is a stream, and a channel by which nodes hear of what comes. One script publishes:
//! all of it is done, or nothing. Nodes listen by one connection, whatever the number of topics,
//! and send commands by a second one.
#![doc = include_str!("wire.md")]
//! # The script
//!
//! It is [`Redis::PUBLISH_SCRIPT`], too.
//!
//! ```lua
#![doc = include_str!("scripts/publish.lua")]
//! ```

mod answer;
mod connect;
mod failure;
mod frontier;
mod keys;
mod listening;
mod pause;
mod script;
mod session;
mod shared;
mod tls;
mod url;

use std::{
    fmt,
    future::Future,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::{sync::oneshot, task::JoinHandle};
use tokio_rustls::rustls::RootCertStore;

pub use self::url::InvalidConfig;
use self::{connect::Connector, failure::unavailable, keys::Keys, shared::Shared, url::Url};
use super::{
    Backplane, BackplaneError, Bounds, BoxFuture, Failure, Inbox, Outgoing, Page, Place, ReadLimit,
};

/// A Redis. The module's page tells [what it is asked to do](self).
pub struct Redis {
    url: Url,
    keys: Keys,
    timeout: Duration,
    roots: Option<RootCertStore>,
    opened: OnceLock<Opened>,
}

struct Opened {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Redis {
    /// The script that publishes.
    pub const PUBLISH_SCRIPT: &'static str = include_str!("scripts/publish.lua");

    /// The one at this URL. It is not reached before [`open`](Backplane::open).
    ///
    /// # Errors
    ///
    /// That the URL has none of [the forms](self#urls).
    pub fn new(url: &str) -> Result<Self, InvalidConfig> {
        let url = Url::parse(url)?;
        let keys = Keys::new(url.prefix.as_deref().unwrap_or("sse"))?;
        Ok(Self {
            url,
            keys,
            timeout: Duration::from_secs(5),
            roots: None,
            opened: OnceLock::new(),
        })
    }

    /// What the names of all keys and channels begin with, in braces; `sse` if nothing is said.
    /// Nodes of one prefix share their events.
    ///
    /// # Errors
    ///
    /// That it is empty or has braces itself.
    pub fn prefix(mut self, prefix: &str) -> Result<Self, InvalidConfig> {
        self.keys = Keys::new(prefix)?;
        Ok(self)
    }

    /// How long a command may take, and an attempt to connect; 5 seconds if nothing is said. A
    /// server that has gone without a word is noticed within twice this time.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.max(Duration::from_millis(1));
        self
    }

    /// The certificates (PEM) that a server's must be signed by, instead of those that the system
    /// trusts.
    ///
    /// # Errors
    ///
    /// That they are none, or that the URL is not one for TLS.
    pub fn root_certificates(mut self, pem: &[u8]) -> Result<Self, InvalidConfig> {
        if !self.url.tls {
            return Err(InvalidConfig("root certificates are for `rediss://`"));
        }
        self.roots = Some(tls::roots(pem)?);
        Ok(self)
    }

    fn shared(&self) -> Result<&Shared, BackplaneError> {
        let opened = self.opened.get().ok_or_else(unavailable)?;
        Ok(&opened.shared)
    }

    async fn open(&self, inbox: Arc<dyn Inbox>, bounds: Bounds) -> Result<(), BackplaneError> {
        let refused = |error| BackplaneError::new(Failure::Refused, error);
        let tls = self.url.tls.then(|| tls::connector(self.roots.as_ref()));
        let tls = tls.transpose().map_err(refused)?;
        let connector = Connector {
            url: self.url.clone(),
            tls,
            timeout: self.timeout,
            keys: self.keys.clone(),
        };
        let keys = self.keys.clone();
        let shared = Arc::new(Shared::new(keys, bounds, self.timeout, inbox));
        let (opened, opens) = oneshot::channel();
        let task = tokio::spawn(session::run(connector, shared.clone(), opened));
        let running = Opened { shared, task };
        opens.await.map_err(|_| unavailable())??;
        self.opened
            .set(running)
            .map_err(|_| refused("it is open already".into()))
    }

    async fn publish(&self, event: Outgoing<'_>) -> Result<Place, BackplaneError> {
        let shared = self.shared()?;
        let commands = shared.commands()?;
        let mut keys = vec![shared.keys.clock(), shared.keys.stream(event.topic)];
        if let Some(key) = event.key.filter(|_| !shared.bounds.keys.is_zero()) {
            keys.push(shared.keys.publish_key(event.topic, key));
        }
        let channel = shared.keys.channel(event.topic);
        let numbers = [
            count(shared.bounds.events.max(1)),
            count(shared.bounds.bytes.max(1)),
            stays(shared.bounds.age).as_millis().to_string(),
            bounded(shared.bounds.keys).as_millis().max(1).to_string(),
        ];
        let [events, bytes, stays, remembered] = numbers.each_ref().map(String::as_bytes);
        let channel = channel.as_bytes();
        let args = [channel, event.frame, events, bytes, stays, remembered];
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let answer = script::PUBLISH.run(&commands, &keys, &args).await;
        answer::place(&answer.map_err(|error| shared.failed(error))?)
    }

    async fn listen(&self, topic: &str) -> Result<(), BackplaneError> {
        let shared = self.shared()?;
        let answer = shared.listen(topic)?.await.map_err(|_| unavailable())?;
        answer.map_err(|error| shared.failed(error))
    }

    async fn frontier(&self, at_least: Place) -> Result<Place, BackplaneError> {
        let shared = self.shared()?;
        let answer = shared
            .frontier(at_least)?
            .await
            .map_err(|_| unavailable())?;
        answer.map_err(|error| shared.failed(error))
    }

    async fn page(
        &self,
        script: &script::Script,
        topic: &str,
        after: u64,
        limit: ReadLimit,
    ) -> Result<Page, BackplaneError> {
        let shared = self.shared()?;
        let commands = shared.commands()?;
        let bounds = shared.bounds;
        let args = [
            after.to_string(),
            count(limit.events.max(1)),
            count(limit.bytes),
            count(bounds.events),
            count(bounds.bytes),
            bounded(bounds.age).as_micros().to_string(),
            stays(bounds.age).as_micros().to_string(),
        ];
        let args: Vec<_> = args.iter().map(String::as_bytes).collect();
        let keys = [shared.keys.clock(), shared.keys.stream(topic)];
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let answer = script.run(&commands, &keys, &args).await;
        let page = answer::page(answer.map_err(|error| shared.failed(error))?);
        // A read has done nothing, whatever it has come to.
        page.map_err(|error| BackplaneError::new(Failure::Refused, error))
    }
}

impl Backplane for Redis {
    fn open(
        &self,
        inbox: Arc<dyn Inbox>,
        bounds: Bounds,
    ) -> BoxFuture<'_, Result<(), BackplaneError>> {
        boxed(self.open(inbox, bounds))
    }

    fn publish<'a>(&'a self, event: Outgoing<'a>) -> BoxFuture<'a, Result<Place, BackplaneError>> {
        boxed(self.publish(event))
    }

    fn listen<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Result<(), BackplaneError>> {
        boxed(self.listen(topic))
    }

    fn leave(&self, topic: &str) {
        if let Ok(shared) = self.shared() {
            shared.leave(topic);
        }
    }

    fn frontier(&self, at_least: Place) -> BoxFuture<'_, Result<Place, BackplaneError>> {
        boxed(self.frontier(at_least))
    }

    fn read<'a>(
        &'a self,
        topic: &'a str,
        after: u64,
        limit: ReadLimit,
    ) -> BoxFuture<'a, Result<Page, BackplaneError>> {
        boxed(self.page(&script::READ, topic, after, limit))
    }

    fn newest<'a>(
        &'a self,
        topic: &'a str,
        limit: ReadLimit,
    ) -> BoxFuture<'a, Result<Page, BackplaneError>> {
        boxed(self.page(&script::NEWEST, topic, 0, limit))
    }
}

fn boxed<'a, T>(future: impl Future<Output = T> + Send + 'a) -> BoxFuture<'a, T> {
    Box::pin(future)
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("url", &self.url)
            .field("keys", &self.keys)
            .field("timeout", &self.timeout)
            .field("is_open", &self.opened.get().is_some())
            .finish_non_exhaustive()
    }
}

/// How long a stream stays after its last event: twice the age, so that what is too old to be
/// given still shows that something is missing.
fn stays(age: Duration) -> Duration {
    bounded(age.saturating_mul(2)).max(Duration::from_secs(1))
}

/// What Redis's scripts can count with: 100 years at most.
fn bounded(duration: Duration) -> Duration {
    duration.min(Duration::from_secs(100 * 365 * 24 * 3600))
}

/// What Redis's scripts can count with.
fn count(number: usize) -> String {
    number.min(1 << 52).to_string()
}
