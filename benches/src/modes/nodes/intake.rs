//! Where subscribers get events, each by a connection of its own.

use futures_util::StreamExt as _;
use redis::aio::PubSubStream;

use super::{
    outlet::{TOPIC, nats, redis_client},
    stream::Stream,
    way::Way,
};
use crate::{
    engines::Kind,
    load::{Fault, Note, Sign, Target},
};

pub(super) enum Intake {
    /// Boxed, as it is far larger than the others.
    Stream(Box<Stream>),
    Redis(PubSubStream),
    Nats(async_nats::Subscriber),
}

impl Intake {
    /// One that gets all that is published from now on: from a node's stream, or from the engine
    /// itself.
    pub(super) async fn open(
        kind: Kind,
        way: Way,
        url: &str,
        node: Option<&Target>,
    ) -> Result<Self, String> {
        if let Some(target) = node {
            let stream = Stream::open(target).await;
            return Ok(Self::Stream(Box::new(
                stream.map_err(|fault| fault.to_string())?,
            )));
        }
        match kind {
            Kind::Redis => {
                let failed = |error: redis::RedisError| format!("SUBSCRIBE: {error}");
                let channel = redis_client(url)?.get_async_pubsub().await;
                let mut channel = channel.map_err(failed)?;
                channel.subscribe(TOPIC).await.map_err(failed)?;
                Ok(Self::Redis(channel.into_on_message()))
            }
            Kind::Nats => {
                let client = nats(url).await?;
                let subject = match way {
                    Way::WithHistory => format!("out.{TOPIC}"),
                    _ => TOPIC.to_owned(),
                };
                let failed = |error: &dyn std::fmt::Display| format!("subscribing: {error}");
                let subscribed = client.subscribe(subject).await;
                let subscribed = subscribed.map_err(|error| failed(&error))?;
                // The server takes what comes on a connection in order: when this is back, it has
                // taken the subscription.
                let inbox = client.new_inbox();
                let mut echo = client
                    .subscribe(inbox.clone())
                    .await
                    .map_err(|error| failed(&error))?;
                let sent = client.publish(inbox, "".into()).await;
                sent.map_err(|error| failed(&error))?;
                echo.next()
                    .await
                    .ok_or("subscribing: the connection ended")?;
                Ok(Self::Nats(subscribed))
            }
        }
    }

    /// Waits until something comes, and hands over what has.
    pub(super) async fn read(&mut self, mut take: impl FnMut(Sign)) -> Result<(), Fault> {
        match self {
            Self::Stream(stream) => return stream.read(take).await,
            Self::Redis(messages) => {
                let message = messages.next().await.ok_or(Fault::ClosedEarly)?;
                take(Sign::Event(Note::read(message.get_payload_bytes())));
            }
            Self::Nats(messages) => {
                let message = messages.next().await.ok_or(Fault::ClosedEarly)?;
                take(Sign::Event(Note::read(&message.payload)));
            }
        }
        Ok(())
    }
}
