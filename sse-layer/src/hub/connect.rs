//! Hubs on engines.

use std::{error::Error as StdError, fmt, sync::Arc};

use super::{Hub, builder::HubBuilder, ledger::Ledger, node};
use crate::backplane::{Backplane, BackplaneError};

/// An engine that a hub can't be connected to.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address has a scheme that no engine has.
    UnknownScheme {
        /// The scheme.
        scheme: String,
    },
    /// The engine's feature of this crate is not switched on.
    FeatureMissing {
        /// Its name.
        feature: &'static str,
    },
    /// The address, or another setting, is none that the engine takes.
    Invalid(crate::BoxError),
    /// The engine is not reached, or refuses.
    Engine(BackplaneError),
}

impl HubBuilder {
    /// A hub on an engine, by its address.
    ///
    /// | address | engine | feature |
    /// |---|---|---|
    /// | `memory:` | none: a hub in this process | |
    /// | `redis://`, `rediss://` | [Redis](crate::backplane::redis) | `redis` |
    /// | `nats://`, `tls://` | [NATS JetStream](crate::backplane::nats) | `nats` |
    ///
    /// What is published on one node reaches the subscribers of all. Ids are the engine's, so that
    /// a client goes on at any node. The [history](Self::history) is the engine's, too, and its
    /// bounds are set on the engine's side; a node keeps as much of it as
    /// [`max_history_bytes`](Self::max_history_bytes) allows of the topics that it has subscribers
    /// of, so that most who come back are served without the engine.
    ///
    /// It needs a tokio runtime, on which it has a task for as long as somebody has the hub or one
    /// of its subscriptions.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] for an address that is none, and an engine that is not reached. Later the
    /// hub comes back to it by itself, however long that takes.
    pub async fn connect(self, url: &str) -> Result<Hub, ConnectError> {
        let scheme = url.split_once(':').map_or(url, |(scheme, _)| scheme);
        match scheme {
            "memory" => Ok(self.build()),
            "redis" | "rediss" | "redis+sentinel" | "rediss+sentinel" => self.redis(url).await,
            "nats" | "tls" => self.nats(url).await,
            _ => Err(ConnectError::UnknownScheme {
                scheme: scheme.chars().take(32).collect(),
            }),
        }
    }

    /// A hub on an engine of one's own, or on one that is set up otherwise than an address can
    /// tell. As [`connect`](Self::connect) in all else.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn backplane(self, engine: impl Backplane) -> Result<Hub, ConnectError> {
        let (settings, max_topics, max_bytes) = self.into_parts();
        let ledger = |epoch| Ledger::new(epoch, max_bytes, Arc::default());
        let joined = node::join(Arc::new(engine), settings, max_topics, ledger).await;
        joined.map(Hub).map_err(ConnectError::Engine)
    }

    #[cfg(feature = "redis")]
    async fn redis(self, url: &str) -> Result<Hub, ConnectError> {
        use crate::backplane::redis::Redis;

        let engine = Redis::new(url).map_err(|error| ConnectError::Invalid(error.into()))?;
        self.backplane(engine).await
    }

    #[cfg(not(feature = "redis"))]
    #[expect(clippy::unused_async, reason = "as with the feature")]
    async fn redis(self, _url: &str) -> Result<Hub, ConnectError> {
        Err(ConnectError::FeatureMissing { feature: "redis" })
    }

    #[cfg(feature = "nats")]
    async fn nats(self, url: &str) -> Result<Hub, ConnectError> {
        use crate::backplane::nats::Nats;

        let engine = Nats::new(url).map_err(|error| ConnectError::Invalid(error.into()))?;
        self.backplane(engine).await
    }

    #[cfg(not(feature = "nats"))]
    #[expect(clippy::unused_async, reason = "as with the feature")]
    async fn nats(self, _url: &str) -> Result<Hub, ConnectError> {
        Err(ConnectError::FeatureMissing { feature: "nats" })
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownScheme { scheme } => {
                write!(f, "no engine has addresses that begin with `{scheme}:`")
            }
            Self::FeatureMissing { feature } => {
                write!(f, "the feature `{feature}` of sse-layer is not switched on")
            }
            Self::Invalid(_) => f.write_str("the engine's address or settings are not valid"),
            Self::Engine(error) => error.fmt(f),
        }
    }
}

impl StdError for ConnectError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Invalid(error) => Some(&**error),
            Self::Engine(error) => error.source(),
            _ => None,
        }
    }
}
