//! The ways to get an event to many subscribers in one process.
//!
//! In each, every subscriber is a task of its own, as in a server: it is woken, takes what is there,
//! and waits again. Whoever publishes writes the event once for all of them.

mod audience;
mod hub;
mod layer;
mod queue;
mod tokio_channel;

use std::{hint::black_box, sync::Arc};

use sse_layer::{Event, EventId, Frame};

pub use self::audience::{Audience, Measured};
use crate::quote;

/// Brings together so many subscribers. To be called within a runtime, which runs them.
pub type Gather = fn(usize) -> Arc<Audience>;

/// All of them, with their names in reports.
pub const ALL: [(&str, Gather); 6] = [
    ("Hub", hub::with_history),
    ("Hub without history", hub::without_history),
    ("Hub behind SseLayer", layer::bodies),
    (REFERENCE, queue::receivers),
    ("tokio broadcast", tokio_channel::receivers),
    ("tokio broadcast as a stream", tokio_channel::streams),
];

/// To which ratios are: the queue in the hub.
pub const REFERENCE: &str = "async-broadcast";

/// How many events wait in a queue at most: as many as in a hub that nobody set up otherwise.
const CAPACITY: usize = 1024;

const TOPIC: &str = "quotes";

/// What the hub sends for a quote, for those that send what they are given: written anew each time,
/// of the same length.
fn frame() -> Frame {
    let id = EventId::new(black_box(ID)).expect("an id");
    let event = Event::json(quote()).with_id(id);
    event.to_frame().expect("JSON")
}

/// An id as long as the hub's are after some thousands of events.
const ID: &str = "0689ad1e9c85a3f1-12345";

#[cfg(test)]
mod tests {
    use sse_layer::hub::Hub;
    use tokio::runtime::Builder;

    use super::*;

    #[tokio::test]
    async fn what_is_sent_without_a_hub_is_what_the_hub_sends() {
        let hub = Hub::builder().epoch(0x0689_ad1e_9c85_a3f1).build();
        for _ in 1..12_345 {
            hub.publish(TOPIC, Event::text("")).await.expect("room");
        }
        hub::publish(&hub);
        let sent = hub.newest(TOPIC).await.expect("a topic").expect("a quote");
        assert_eq!(*sent.frame(), frame());
        assert_eq!(frame().as_bytes().len(), 119);
    }

    #[test]
    fn all_contenders_get_everything_to_everybody() {
        let runtime = Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime");
        let _entered = runtime.enter();
        for (name, gather) in ALL {
            let audience = gather(3);
            for burst in [1, 5] {
                let measured = audience.measure(&runtime, burst, 4);
                assert!(measured.deliveries_per_second > 0.0, "{name}");
            }
        }
    }
}
