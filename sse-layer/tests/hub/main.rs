//! The hub: what is published reaches everybody, and whoever comes back gets what it missed.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod bounds;
mod lag;
mod numbers;
mod publish;
mod resume;
mod sharing;
mod stress;
mod wire;

use futures_util::{FutureExt, StreamExt};
use sse_layer::{
    Event, EventId, Hub, LastEventId,
    hub::{Deliveries, Delivery},
};

/// Ids of this hub are the same in every run: `0000000000000007-` and a number.
const EPOCH: u64 = 7;

fn id(sequence: u64) -> EventId {
    EventId::new(format!("{EPOCH:016x}-{sequence}")).unwrap()
}

fn after(id: &str) -> LastEventId {
    let request = http::Request::builder().header("last-event-id", id.as_bytes());
    LastEventId::from_request(&request.body(()).unwrap())
}

async fn publish(hub: &Hub, topic: &str, text: impl ToString) -> EventId {
    let event = Event::text(text.to_string());
    hub.publish(topic, event).await.unwrap()
}

/// What there is to read now, in words: `a` for a message's data, and what is told beside them.
fn ready(deliveries: &mut Deliveries) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(next) = deliveries.next().now_or_never() {
        told.push(match next {
            None => {
                told.push("the end".into());
                break;
            }
            Some(Delivery::Message(message)) => message.data().unwrap().into_owned(),
            Some(Delivery::Gap(gap)) => {
                let missed = gap.missed.map_or("?".into(), |missed| missed.to_string());
                let (_, id) = gap.id.as_str().split_once('-').unwrap();
                format!("gap {} {missed} up to {id}", gap.reason)
            }
            Some(Delivery::Position(id)) => {
                format!("at {}", id.as_str().split_once('-').unwrap().1)
            }
            Some(other) => panic!("{other:?}"),
        });
    }
    told
}
