//! Hubs on real engines, to which everything happens that happens to engines.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

#[path = "../engines/mod.rs"]
mod engines;

mod both;
mod redis;
mod streams;

use std::time::Duration;

use futures_util::StreamExt;
use sse_layer::{
    Event, EventId, Hub,
    backplane::{Backplane, nats, redis as redis_engine},
    hub::{Deliveries, Delivery, HubBuilder, PublishError, Subscription},
};

use self::engines::{Nats, Redis};

/// Longer than anything takes that is to happen.
const BOUND: Duration = Duration::from_secs(60);

/// How long an engine may take to answer, where a test lets it take longer.
const TIMEOUT: Duration = Duration::from_millis(500);

/// An engine that a test does things to.
trait Server {
    type Engine: Backplane;

    /// A node's way to this address, where the engine or a proxy before it is.
    fn engine(addr: std::net::SocketAddr) -> Self::Engine;

    fn addr(&self) -> std::net::SocketAddr;
    fn kill(&mut self);
    fn run(&mut self);
    fn lose_data(&mut self);
    fn freeze(&self);
    fn thaw(&self);

    async fn node(&self) -> Hub {
        self.node_with(Hub::builder()).await
    }

    async fn node_with(&self, builder: HubBuilder) -> Hub {
        builder.backplane(Self::engine(self.addr())).await.unwrap()
    }
}

macro_rules! server {
    ($server:ty, $engine:ty, $scheme:literal) => {
        impl Server for $server {
            type Engine = $engine;

            fn engine(addr: std::net::SocketAddr) -> $engine {
                <$engine>::new(&format!(concat!($scheme, "://{}"), addr))
                    .unwrap()
                    .timeout(TIMEOUT)
            }

            fn addr(&self) -> std::net::SocketAddr {
                engines::Engine::addr(self)
            }

            fn kill(&mut self) {
                engines::Engine::kill(self);
            }

            fn run(&mut self) {
                self.run();
            }

            fn lose_data(&mut self) {
                self.lose_data();
            }

            fn freeze(&self) {
                engines::Engine::freeze(self);
            }

            fn thaw(&self) {
                engines::Engine::thaw(self);
            }
        }
    };
}

server!(Redis, redis_engine::Redis, "redis");
server!(Nats, nats::Nats, "nats");

async fn publish(hub: &Hub, topic: &str, text: impl ToString) -> EventId {
    let event = Event::text(text.to_string());
    hub.publish(topic, event).await.unwrap()
}

/// Publishes, again and again until the engine takes it. Answers its id.
async fn publish_at_last(hub: &Hub, topic: &str, text: impl ToString) -> EventId {
    let text = text.to_string();
    let key = format!("{text}-{}", fastrand::u64(..));
    let attempt = async || loop {
        match hub
            .publish(topic, Event::text(text.clone()))
            .key(&key)
            .await
        {
            Ok(id) => return id,
            Err(
                PublishError::Unavailable(_) | PublishError::Unknown(_) | PublishError::Refused(_),
            ) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => panic!("{error}"),
        }
    };
    let published = tokio::time::timeout(BOUND, attempt()).await;
    published.expect("the engine should come back")
}

/// Subscribes, and waits until the client is told from where it reads.
async fn opened(subscription: Subscription) -> Deliveries {
    let mut deliveries = subscription.deliveries();
    assert_eq!(told(&mut deliveries, 1).await, ["at"]);
    deliveries
}

/// The next so many deliveries, in words; of positions only the first.
async fn told(deliveries: &mut Deliveries, count: usize) -> Vec<String> {
    let mut told = Vec::new();
    while told.len() < count {
        let next = tokio::time::timeout(BOUND, deliveries.next()).await;
        let next = next.unwrap_or_else(|_| panic!("nothing comes after {told:?}"));
        told.push(match next {
            None => "the end".into(),
            Some(Delivery::Message(message)) => message.data().unwrap().into_owned(),
            Some(Delivery::Gap(gap)) => format!("gap {}", gap.reason),
            Some(Delivery::Position(_)) => "at".into(),
            Some(other) => panic!("{other:?}"),
        });
    }
    told
}

/// Waits until the hub knows whether it has its engine.
async fn until_connected(hub: &Hub, is_connected: bool) {
    let connected = async {
        while hub.stats().engine.unwrap().is_connected != is_connected {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let connected = tokio::time::timeout(BOUND, connected).await;
    connected.unwrap_or_else(|_| panic!("is_connected should be {is_connected}"));
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}
