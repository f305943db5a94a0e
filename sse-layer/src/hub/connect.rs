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
        /// The scheme; empty where the address does not begin with one.
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
    /// | `redis://`, `rediss://` (TLS), both with `+sentinel` | [Redis](crate::backplane::redis) | `redis` |
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
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        match scheme {
            "memory" => Ok(self.build()),
            "redis" | "rediss" | "redis+sentinel" | "rediss+sentinel" => self.redis(url).await,
            "nats" | "tls" => self.nats(url).await,
            _ => Err(ConnectError::UnknownScheme {
                scheme: match is_scheme(scheme) {
                    true => scheme.to_owned(),
                    // It may be anything, and a password, too.
                    false => String::new(),
                },
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

        let engine = Redis::new(url).map_err(invalid)?;
        let engine = match &self.prefix {
            Some(prefix) => engine.prefix(prefix).map_err(invalid)?,
            None => engine,
        };
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

        let engine = Nats::new(url).map_err(invalid)?;
        let engine = match &self.prefix {
            Some(prefix) => engine.prefix(prefix).map_err(invalid)?,
            None => engine,
        };
        self.backplane(engine).await
    }

    #[cfg(not(feature = "nats"))]
    #[expect(clippy::unused_async, reason = "as with the feature")]
    async fn nats(self, _url: &str) -> Result<Hub, ConnectError> {
        Err(ConnectError::FeatureMissing { feature: "nats" })
    }
}

/// Whether it may be shown.
fn is_scheme(text: &str) -> bool {
    let is_one = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    text.len() <= 32 && text.bytes().all(is_one)
}

#[cfg(any(feature = "redis", feature = "nats"))]
fn invalid(error: impl Into<crate::BoxError>) -> ConnectError {
    ConnectError::Invalid(error.into())
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownScheme { scheme } if scheme.is_empty() => {
                f.write_str("the engine's address does not begin with a scheme, such as `redis://`")
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hub_of_this_process_has_an_address_as_well() {
        let hub = Hub::connect("memory:").await.unwrap();
        assert!(hub.stats().engine.is_none());
    }

    #[tokio::test]
    async fn an_address_without_a_scheme_is_not_repeated() {
        let error = async |url| Hub::builder().connect(url).await.err().unwrap();
        let long = format!("{}:6379", "s3cr3t".repeat(6));
        for url in [
            "s3cr3t",
            "s3cr3t@h:6379",
            ":s3cr3t@h",
            "//:s3cr3t@h:1",
            &long,
        ] {
            let error = error(url).await;
            let said = format!("{error} {error:?}");
            assert!(!said.contains("s3cr3t"), "{said}");
            assert!(said.contains("redis://"), "{said}");
        }
        let said = error("amqp://h").await.to_string();
        assert!(said.contains("amqp"), "{said}");
    }
}
