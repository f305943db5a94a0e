//! What a hub refuses, and what it gives back.

use std::time::Duration;

use sse_layer::{
    Event, Hub,
    hub::{History, LagPolicy, PublishError, TopicError},
};

use crate::{id, publish, ready};

fn text(len: usize) -> Event {
    Event::text("x".repeat(len))
}

#[tokio::test]
async fn a_name_is_neither_empty_nor_longer_than_it_may_be() {
    let hub = Hub::builder().max_topic_len(8).build();
    let table = [
        ("", "a topic's name must not be empty"),
        ("123456789", "a topic's name of 9 bytes is longer than 8"),
    ];
    for (name, error) in table {
        assert_eq!(hub.subscribe(name).unwrap_err().to_string(), error);
        assert_eq!(hub.newest(name).await.unwrap_err().to_string(), error);
        match hub.publish(name, text(1)).await {
            Err(PublishError::Topic(refused)) => assert_eq!(refused.to_string(), error),
            other => panic!("{other:?}"),
        }
    }
    for name in ["12345678", "{a}.*>", " \n", "é\u{1f980}"] {
        publish(&hub, name, "x").await;
        let mut all = hub.subscribe(name).unwrap().recent(9).deliveries();
        assert_eq!(ready(&mut all), ["x"]);
    }
}

#[tokio::test]
async fn there_are_no_more_topics_than_there_may_be() {
    let hub = Hub::builder().max_topics(2).build();
    publish(&hub, "a", "1").await;
    let b = hub.subscribe("b").unwrap();
    let is_too_many = |error: &TopicError| matches!(error, TopicError::TooMany { max: 2 });
    assert!(is_too_many(&hub.subscribe("c").unwrap_err()));
    assert!(matches!(
        hub.publish("c", text(1)).await,
        Err(PublishError::Topic(error)) if is_too_many(&error)
    ));
    // The others go on.
    publish(&hub, "a", "2").await;
    publish(&hub, "b", "3").await;
    // A subscription that fails half way leaves nothing behind.
    assert_eq!(hub.stats().subscribers, 1);
    assert!(is_too_many(&hub.subscribe_many(["a", "c"]).unwrap_err()));
    assert_eq!(hub.stats().subscribers, 1);
    drop(b);
    assert_eq!(hub.stats().topics, 2, "what is kept is kept");
}

#[tokio::test]
async fn a_subscription_is_to_one_topic_at_least_and_not_to_thousands() {
    let hub = Hub::memory();
    let none: [&str; 0] = [];
    assert!(matches!(
        hub.subscribe_many(none),
        Err(TopicError::Subscribed {
            count: 0,
            max: 1024
        })
    ));
    let names: Vec<_> = (0..1025).map(|n| n.to_string()).collect();
    assert!(matches!(
        hub.subscribe_many(&names),
        Err(TopicError::Subscribed {
            count: 1025,
            max: 1024
        })
    ));
    assert_eq!(hub.stats().topics, 0);
    let mut most = hub.subscribe_many(&names[1..]).unwrap().deliveries();
    publish(&hub, "1024", "x").await;
    assert_eq!(ready(&mut most), ["x"]);
}

#[tokio::test]
async fn an_event_that_cannot_be_published_is_refused_and_nobody_gets_it() {
    let hub = Hub::builder().max_event_bytes(100).build();
    let mut all = hub.subscribe("t").unwrap().no_positions().deliveries();
    let refused = |event: Event| hub.blocking_publish("t", event).unwrap_err();
    assert!(matches!(
        refused(Event::text("x").id("1")),
        PublishError::OwnId
    ));
    assert!(matches!(
        refused(Event::text("x").id("a\nb")),
        PublishError::Encode(_)
    ));
    assert!(matches!(
        refused(Event::text("x").event("a\nb")),
        PublishError::Encode(_)
    ));
    assert!(matches!(
        refused(Event::default()),
        PublishError::EmptyEvent
    ));
    assert!(matches!(
        refused(text(93)),
        PublishError::EventTooLarge { len: 101, max: 100 }
    ));
    let no_json = Event::json(std::collections::BTreeMap::from([(vec![1], 1)]));
    let refused = hub.publish("t", no_json).await.unwrap_err();
    assert!(matches!(refused, PublishError::Encode(_)));

    assert_eq!(ready(&mut all), [""; 0]);
    assert_eq!(hub.stats().published, 0);
    hub.publish("t", text(92)).await.unwrap();
    assert_eq!(ready(&mut all).len(), 1);
}

#[tokio::test]
async fn a_hub_that_is_full_makes_room_of_a_topics_own_and_of_no_others() {
    let hub = Hub::builder()
        .epoch(crate::EPOCH)
        .max_history_bytes(10_000)
        .build();
    for n in 0..7 {
        publish(&hub, "quiet", format!("{n}{}", "x".repeat(1000))).await;
    }
    let full = hub.stats().history_bytes;
    assert!((8_000..=10_000).contains(&full), "{full}");
    // There is room for one more; each further one takes the place of the one before.
    for n in 0..20 {
        publish(&hub, "busy", format!("{n}{}", "x".repeat(1000))).await;
        assert!(hub.stats().history_bytes <= 10_000);
    }
    let quiet = hub.subscribe("quiet").unwrap().after(id(0));
    assert_eq!(ready(&mut quiet.deliveries()).len(), 7);
    let busy = hub.subscribe("busy").unwrap().after(id(0));
    let busy = ready(&mut busy.deliveries());
    assert_eq!(busy.len(), 2);
    assert_eq!(busy[0], "gap evicted 19 up to 26");

    // A topic that has nothing of its own gets no room, and leaves nothing behind.
    let before = hub.stats();
    let refused = hub.publish("new", text(1000)).await.unwrap_err();
    assert!(matches!(refused, PublishError::HistoryFull { max: 10_000 }));
    assert_eq!(hub.stats(), before);
    // One that is larger than all it has keeps what it has.
    let refused = hub.publish("busy", text(5000)).await.unwrap_err();
    assert!(matches!(refused, PublishError::HistoryFull { .. }));
    assert_eq!(hub.stats(), before);
}

#[test]
fn a_hub_that_is_full_of_what_is_old_makes_room_by_itself() {
    // Outside of a runtime no task does it.
    let hub = Hub::builder()
        .max_history_bytes(5_000)
        .history(History::new().age(Duration::from_millis(1)))
        .build();
    for n in 0..3 {
        hub.blocking_publish(&n.to_string(), text(1000)).unwrap();
    }
    while let Err(error) = hub.blocking_publish("new", text(3000)) {
        assert!(matches!(error, PublishError::HistoryFull { .. }));
        std::thread::yield_now();
    }
    assert_eq!(hub.stats().topics, 1);
}

#[test]
fn a_hundred_thousand_topics_give_their_memory_back() {
    let runtime = paused();
    let until_all_is_old =
        || runtime.block_on(async { tokio::time::sleep(Duration::from_secs(120)).await });
    let hub = Hub::builder()
        .epoch(crate::EPOCH)
        .max_topics(100_000)
        .history(History::new().age(Duration::from_secs(60)))
        .build();
    let names: Vec<_> = (0..100_000).map(|n| format!("orders/{n}")).collect();
    // What lasts: the memory of topics that are gone, which is the same for any number of them.
    runtime.block_on(publish(&hub, "first", "x"));
    until_all_is_old();
    assert_eq!(hub.stats().topics, 0);

    let mut at_most = 0;
    let left = allocation_counter::measure(|| {
        let published = allocation_counter::measure(|| {
            runtime.block_on(async {
                for name in &names {
                    hub.publish(name, text(100)).await.unwrap();
                }
            });
        });
        at_most = published.bytes_current;
        assert_eq!(hub.stats().topics, 100_000);
        until_all_is_old();
    });
    assert_eq!((hub.stats().topics, hub.stats().history_bytes), (0, 0));
    assert!(at_most > 50_000_000, "{at_most} bytes in use");
    assert!(left.bytes_current < 10_000, "{left:?} are left");

    // Who comes back to one of them is told that there was something.
    let back = |from| hub.subscribe(&names[0]).unwrap().after(id(from));
    let told = ready(&mut back(1).deliveries());
    assert!(told[0].starts_with("gap evicted ?"), "{told:?}");
    assert_eq!(ready(&mut back(100_001).deliveries()), [""; 0]);
}

#[tokio::test]
async fn a_topic_is_there_while_somebody_is_subscribed() {
    let hub = Hub::builder().history(History::off()).build();
    let one = hub.subscribe_many(["a", "b"]).unwrap();
    let two = hub.subscribe("a").unwrap();
    assert_eq!(hub.stats().topics, 2);
    assert_eq!((hub.subscribers("a"), hub.subscribers("b")), (2, 1));
    drop(one);
    assert_eq!(hub.stats().topics, 1);
    drop(two);
    assert_eq!(hub.stats().topics, 0);
    assert_eq!(hub.subscribers("a"), 0);
}

#[tokio::test]
async fn an_event_that_is_not_kept_leaves_no_topic_behind() {
    let hub = Hub::builder().history(History::new().bytes(1000)).build();
    publish(&hub, "t", "x".repeat(2000)).await;
    assert_eq!((hub.stats().topics, hub.stats().published), (0, 1));
}

#[test]
fn topics_that_are_old_make_way_for_others() {
    // Outside of a runtime no task sweeps them.
    let hub = Hub::builder()
        .max_topics(2)
        .history(History::new().age(Duration::from_millis(1)))
        .build();
    for topic in ["a", "b"] {
        hub.blocking_publish(topic, text(1)).unwrap();
    }
    while let Err(error) = hub.subscribe("c") {
        assert!(matches!(error, TopicError::TooMany { max: 2 }));
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_subscription_that_is_over_leaves_its_topics() {
    let hub = Hub::builder().history(History::off()).queue(1, 1).build();
    let ended = hub.subscribe("t").unwrap().end_after(|_| true);
    let cut = hub.subscribe("t").unwrap().on_lag(LagPolicy::Close);
    let mut both = [ended, cut].map(|all| all.no_positions().deliveries());
    publish(&hub, "t", 1).await;
    publish(&hub, "t", 2).await;
    let told = both.each_mut().map(ready);
    assert_eq!(told[0], ["gap lagged 1 up to 1", "2", "the end"]);
    assert_eq!(told[1], ["the end"]);
    assert_eq!((hub.subscribers("t"), hub.stats().topics), (0, 0));
    assert_eq!(hub.stats().subscribers, 2, "until they are dropped");
    drop(both);
    assert_eq!(hub.stats().subscribers, 0);
}

fn paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}

#[test]
fn a_runtime_that_goes_down_in_a_panic_leaves_the_sweeping_to_the_next() {
    let hub = Hub::memory();
    let publisher = hub.clone();
    let panicked = std::thread::spawn(move || {
        paused().block_on(async {
            publish(&publisher, "a", "x").await;
            tokio::task::yield_now().await;
            panic!("as the test wants it");
        });
    });
    assert!(panicked.join().is_err());
    paused().block_on(async {
        publish(&hub, "b", "x").await;
        tokio::time::sleep(Duration::from_secs(600)).await;
    });
    assert_eq!(hub.stats().topics, 0);
}

#[test]
fn what_threads_publish_is_swept_by_those_who_are_subscribed() {
    let hub = Hub::memory();
    hub.blocking_publish("a", text(1)).unwrap();
    paused().block_on(async {
        let _b = hub.subscribe("b").unwrap();
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(hub.stats().topics, 1);
    });
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_forgotten_give_all_their_memory_back() {
    let hub = Hub::builder().history(History::off()).build();
    let keyed = |n: u32| hub.publish("t", text(1)).key(&n.to_string()).blocking();
    let _subscribed = hub.subscribe("t").unwrap();
    // The queue is at its bound.
    for _ in 0..3000 {
        publish(&hub, "t", "x").await;
    }
    let taken = allocation_counter::measure(|| {
        for n in 0..50_000 {
            keyed(n).unwrap();
        }
    });
    let (taken, told) = (taken.bytes_current, hub.stats().history_bytes);
    assert!(
        taken > 4_000_000 && told as i64 > taken / 2,
        "{taken}, {told}"
    );
    tokio::time::advance(Duration::from_secs(120)).await;
    let freed = allocation_counter::measure(|| drop(keyed(0).unwrap()));
    assert!(
        -freed.bytes_current > taken - 10_000,
        "{freed:?} of {taken}"
    );
}

#[test]
fn a_runtime_without_timers_loses_no_event() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let hub = Hub::memory();
    runtime.unwrap().block_on(async {
        let mut all = hub.subscribe("t").unwrap().no_positions().deliveries();
        for n in 0..3 {
            publish(&hub, "t", n).await;
            // The task that sweeps can't.
            tokio::task::yield_now().await;
        }
        assert_eq!(ready(&mut all), ["0", "1", "2"]);
    });
}
