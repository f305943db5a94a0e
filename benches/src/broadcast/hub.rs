//! The hub, subscribers as streams of frames.

use std::{hint::black_box, sync::Arc};

use futures_util::StreamExt as _;
use sse_layer::{
    Event,
    hub::{History, Hub},
};

use super::{Audience, TOPIC};
use crate::quote;

pub(super) fn with_history(subscribers: usize) -> Arc<Audience> {
    subscriptions(Hub::memory(), subscribers)
}

pub(super) fn without_history(subscribers: usize) -> Arc<Audience> {
    let hub = Hub::builder().history(History::off()).build();
    subscriptions(hub, subscribers)
}

/// Publishes a quote.
pub(super) fn publish(hub: &Hub) {
    hub.blocking_publish(TOPIC, Event::json(quote()))
        .expect("a topic with room for a quote");
}

fn subscriptions(hub: Hub, subscribers: usize) -> Arc<Audience> {
    let publisher = hub.clone();
    let mut audience = Audience::new(move || publish(&publisher));
    for _ in 0..subscribers {
        let subscription = hub.subscribe(TOPIC).expect("a topic");
        // Otherwise the first frame may be none of an event.
        let mut subscription = subscription.no_positions();
        audience.seat(|mut taken| async move {
            while let Some(frame) = subscription.next().await {
                black_box(frame);
                taken.add(1);
            }
        });
    }
    Arc::new(audience)
}
