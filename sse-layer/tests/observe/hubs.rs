//! The numbers of hubs.

use futures_util::{FutureExt, StreamExt};
use sse_layer::{
    Event, Hub,
    hub::{History, Subscription},
};

use crate::numbers::counted;

fn read_all(mut subscription: Subscription) -> Subscription {
    while subscription.next().now_or_never().is_some() {}
    subscription
}

#[test]
fn the_numbers_of_a_hub_are_those_of_its_stats() {
    counted(async |numbers| {
        let hub = Hub::builder()
            .queue(4, usize::MAX)
            .history(History::new().events(8))
            .build();
        let slow = read_all(hub.subscribe_many(["a", "b"]).unwrap());
        for _ in 0..10 {
            hub.publish("a", Event::text("x")).await.unwrap();
        }
        let slow = read_all(slow);
        let stranger = read_all(hub.subscribe("a").unwrap().after(foreign_id().await));

        let stats = hub.stats();
        assert_eq!((stats.topics, stats.subscribers), (2, 2));
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        for (name, value) in [
            ("sse_hub_topics", stats.topics as f64),
            ("sse_hub_subscribers", stats.subscribers as f64),
            ("sse_hub_history_bytes", stats.history_bytes as f64),
            ("sse_hub_published_total", stats.published as f64),
            ("sse_hub_delivered_total", stats.delivered as f64),
            ("sse_lagged_events_total", stats.lagged as f64),
            ("sse_replayed_events_total", stats.replayed as f64),
        ] {
            assert!(value > 0.0, "{name}");
            // What another hub published for its id is in there too.
            let others = f64::from(u8::from(name == "sse_hub_published_total"));
            assert_eq!(numbers.one(name), value + others, "{name}");
        }
        assert_eq!(numbers.one("sse_gaps_total{reason=lagged}"), 1.0);
        assert_eq!(numbers.one("sse_gaps_total{reason=foreign}"), 1.0);
        assert_eq!(stats.gaps, 2);

        // The gauges are those of all hubs there are.
        drop((slow, stranger));
        assert_eq!(numbers.one("sse_hub_subscribers"), 0.0);
        assert_eq!(
            numbers.one("sse_hub_topics"),
            1.0,
            "of the other nothing is kept"
        );
        drop(hub);
        assert_eq!(numbers.one("sse_hub_topics"), 0.0);
        assert_eq!(numbers.one("sse_hub_history_bytes"), 0.0);
    });
}

async fn foreign_id() -> sse_layer::EventId {
    let other = Hub::builder().history(History::off()).build();
    other.publish("t", Event::text("x")).await.unwrap()
}
