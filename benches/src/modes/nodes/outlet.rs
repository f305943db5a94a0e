//! Where events are published, each way over one connection to the engine.

use std::time::Duration;

use async_nats::jetstream;
use redis::{AsyncConnectionConfig, IntoConnectionInfo as _, aio::MultiplexedConnection};
use sse_layer::{Event, EventId, Hub};

use super::{KEPT, way::Way};
use crate::{engines::Kind, servers};

/// The topic, the channel, the subject and the stream.
pub(super) const TOPIC: &str = "quotes";

/// How long an engine may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) enum Outlet {
    Hub(Hub),
    Redis(MultiplexedConnection),
    RedisWithHistory(MultiplexedConnection),
    Nats(async_nats::Client),
    JetStream(jetstream::Context),
}

impl Outlet {
    pub(super) async fn connect(kind: Kind, way: Way, url: &str) -> Result<Self, String> {
        Ok(match (way, kind) {
            (Way::Nodes(_), _) => Self::Hub(hub(url, KEPT).await?),
            (Way::Plain, Kind::Redis) => Self::Redis(redis(url).await?),
            (Way::WithHistory, Kind::Redis) => Self::RedisWithHistory(redis(url).await?),
            (Way::Plain, Kind::Nats) => Self::Nats(nats(url).await?),
            (Way::WithHistory, Kind::Nats) => {
                let context = jetstream::new(nats(url).await?);
                let made = context.create_stream(stream(KEPT)).await;
                made.map_err(|error| format!("making a stream: {error}"))?;
                Self::JetStream(context)
            }
        })
    }

    /// Publishes, and waits for the engine's answer where it gives one.
    pub(super) async fn publish(&self, body: String) -> Result<(), String> {
        let failed = |error: &dyn std::fmt::Display| format!("publishing failed: {error}");
        match self {
            Self::Hub(hub) => match hub.publish(TOPIC, Event::text(body)).await {
                Ok(_) => Ok(()),
                Err(error) => Err(failed(&error)),
            },
            Self::Redis(connection) => {
                let publish = redis::cmd("PUBLISH").arg(TOPIC).arg(body).to_owned();
                let mut connection = connection.clone();
                let published: Result<(), _> = publish.query_async(&mut connection).await;
                published.map_err(|error| failed(&error))
            }
            Self::RedisWithHistory(connection) => {
                let mut both = redis::pipe();
                both.cmd("XADD")
                    .arg("history")
                    .arg(&["MAXLEN", "~"])
                    .arg(KEPT)
                    .arg("*")
                    .arg("frame")
                    .arg(&body)
                    .ignore()
                    .cmd("PUBLISH")
                    .arg(TOPIC)
                    .arg(&body)
                    .ignore();
                let mut connection = connection.clone();
                let published: Result<(), _> = both.query_async(&mut connection).await;
                published.map_err(|error| failed(&error))
            }
            Self::Nats(client) => {
                let published = client.publish(TOPIC, body.into()).await;
                published.map_err(|error| failed(&error))
            }
            Self::JetStream(context) => {
                let sent = context.publish(format!("in.{TOPIC}"), body.into()).await;
                let acknowledged = sent.map_err(|error| failed(&error))?.await;
                acknowledged.map(drop).map_err(|error| failed(&error))
            }
        }
    }
}

/// A hub that publishes and has no subscribers.
pub(super) async fn hub(url: &str, history: usize) -> Result<Hub, String> {
    let hub = Hub::builder().history(servers::history(history));
    let connected = hub.connect(url).await;
    connected.map_err(|error| format!("the hub: {error}"))
}

/// Publishes to a hub and answers the event's id.
pub(super) async fn publish(hub: &Hub, topic: &str, body: String) -> Result<EventId, String> {
    let published = hub.publish(topic, Event::text(body)).await;
    published.map_err(|error| format!("publishing failed: {error}"))
}

/// Without Nagle's algorithm, as nodes are.
pub(super) fn redis_client(url: &str) -> Result<redis::Client, String> {
    let open = || {
        let info = url.into_connection_info()?;
        let settings = info.tcp_settings().clone().set_nodelay(true);
        redis::Client::open(info.set_tcp_settings(settings))
    };
    open().map_err(|error| format!("{url}: {error}"))
}

pub(super) async fn redis(url: &str) -> Result<MultiplexedConnection, String> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    let connection = redis_client(url)?;
    let connection = connection
        .get_multiplexed_async_connection_with_config(&config)
        .await;
    connection.map_err(|error| format!("{url}: {error}"))
}

pub(super) async fn nats(url: &str) -> Result<async_nats::Client, String> {
    let connected = async_nats::ConnectOptions::new()
        .connection_timeout(PATIENCE)
        .request_timeout(Some(PATIENCE))
        .connect(url)
        .await;
    connected.map_err(|error| format!("{url}: {error}"))
}

/// A stream whose messages come back on another subject, as the hub's do.
pub(super) fn stream(kept: usize) -> jetstream::stream::Config {
    jetstream::stream::Config {
        name: TOPIC.to_owned(),
        subjects: vec!["in.>".to_owned()],
        max_messages_per_subject: i64::try_from(kept).unwrap_or(i64::MAX),
        republish: Some(jetstream::stream::Republish {
            source: "in.>".to_owned(),
            destination: "out.>".to_owned(),
            headers_only: false,
        }),
        allow_direct: true,
        ..Default::default()
    }
}
