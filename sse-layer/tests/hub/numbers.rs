//! What operators see of a hub.

use sse_layer::{
    Hub,
    hub::{History, LagPolicy},
};

use crate::{EPOCH, id, publish, ready};

#[tokio::test]
async fn stats_tell_what_there_is_and_what_was_done() {
    let hub = Hub::builder()
        .epoch(EPOCH)
        .queue(4, usize::MAX)
        .history(History::new().events(8))
        .build();
    assert_eq!(hub.stats(), sse_layer::hub::HubStats::default());

    let mut quick = hub
        .subscribe_many(["a", "b"])
        .unwrap()
        .no_positions()
        .deliveries();
    let slow = hub.subscribe("a").unwrap().on_lag(LagPolicy::CatchUp);
    let mut slow = slow.no_positions().deliveries();
    assert_eq!(ready(&mut slow), [""; 0]);
    for n in 0..10 {
        publish(&hub, "a", n).await;
        assert_eq!(ready(&mut quick).len(), 1);
    }
    let stats = hub.stats();
    assert_eq!((stats.topics, stats.subscribers), (2, 2));
    assert_eq!((stats.published, stats.delivered), (10, 10));
    assert_eq!((stats.lagged, stats.replayed, stats.gaps), (0, 0, 0));
    let each = stats.history_bytes / 8;
    assert!((100..400).contains(&each), "{each} bytes a message");

    // Two are lost, four are read from the history, four from the queue.
    assert_eq!(ready(&mut slow).len(), 9);
    let stats = hub.stats();
    assert_eq!(stats.delivered, 18);
    assert_eq!((stats.lagged, stats.replayed, stats.gaps), (6, 4, 1));

    let mut back = hub.subscribe("a").unwrap().after(id(7)).deliveries();
    assert_eq!(ready(&mut back).len(), 3);
    let stats = hub.stats();
    assert_eq!((stats.delivered, stats.replayed), (21, 7));
    assert_eq!((stats.topics, stats.subscribers), (2, 3));

    drop((quick, slow, back));
    let stats = hub.stats();
    assert_eq!(
        (stats.topics, stats.subscribers),
        (1, 0),
        "of b nothing is kept"
    );
    assert_eq!(stats.delivered, 21);
}

#[tokio::test]
async fn what_is_passed_over_for_the_latest_is_counted() {
    let hub = Hub::builder()
        .queue(4, usize::MAX)
        .history(History::off())
        .build();
    let slow = hub.subscribe("t").unwrap().on_lag(LagPolicy::Latest);
    for n in 1..=10 {
        publish(&hub, "t", n).await;
    }
    assert_eq!(ready(&mut slow.deliveries()), ["10"]);
    let stats = hub.stats();
    assert_eq!((stats.delivered, stats.lagged, stats.gaps), (1, 9, 0));
}
