//! How events are published.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Wake, Waker},
    time::Duration,
};

use futures_util::{FutureExt, StreamExt};
use sse_layer::{
    Event, Hub,
    hub::{History, PublishError},
};

use crate::{EPOCH, id, publish, ready};

#[tokio::test]
async fn ids_increase_over_all_topics() {
    let hub = Hub::builder().epoch(EPOCH).build();
    assert_eq!(publish(&hub, "a", "x").await, id(1));
    assert_eq!(publish(&hub, "b", "x").await, id(2));
    assert_eq!(publish(&hub, "a", "x").await, id(3));
    let other = Hub::memory();
    assert_ne!(publish(&other, "a", "x").await, id(1));
}

#[tokio::test]
async fn an_event_is_not_published_before_it_is_awaited() {
    let hub = Hub::memory();
    drop(hub.publish("t", Event::text("x")));
    assert_eq!(hub.stats().published, 0);
}

#[tokio::test]
async fn threads_publish_without_a_runtime() {
    let hub = Hub::memory();
    let mut all = hub.subscribe("t").unwrap().no_positions().deliveries();
    let publisher = hub.clone();
    std::thread::spawn(move || {
        for n in 0..3 {
            publisher
                .blocking_publish("t", Event::text(n.to_string()))
                .unwrap();
        }
    })
    .join()
    .unwrap();
    assert_eq!(ready(&mut all), ["0", "1", "2"]);
}

#[tokio::test]
async fn whoever_waits_is_woken() {
    let hub = Hub::memory();
    let waiting = hub.subscribe_many(["a", "b"]).unwrap().no_positions();
    let waiting = tokio::spawn(futures_util::StreamExt::into_future(waiting));
    tokio::task::yield_now().await;
    publish(&hub, "b", "x").await;
    let (frame, _) = waiting.await.unwrap();
    assert!(frame.unwrap().as_bytes().ends_with(b"data: x\n\n"));
}

#[tokio::test(start_paused = true)]
async fn a_publish_key_lets_nobody_get_an_event_twice() {
    for history in [History::new(), History::off()] {
        let hub = Hub::builder().epoch(EPOCH).history(history).build();
        let mut all = hub.subscribe("t").unwrap().no_positions().deliveries();
        let attempt = async |topic: &str, key: &str| {
            let event = Event::text(format!("{topic} {key}"));
            hub.publish(topic, event).key(key).await.unwrap()
        };
        let first = attempt("t", "1").await;
        assert_eq!(attempt("t", "1").await, first);
        assert_ne!(attempt("t", "2").await, first);
        assert_ne!(attempt("other", "1").await, first, "keys are a topic's own");
        assert_eq!(ready(&mut all), ["t 1", "t 2"]);
        assert_eq!(hub.stats().published, 3);

        tokio::time::sleep(Duration::from_secs(119)).await;
        assert_eq!(attempt("t", "1").await, first);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_ne!(attempt("t", "1").await, first, "two minutes are over");
        assert_eq!(ready(&mut all), ["t 1"]);
        drop(all);
        tokio::time::sleep(Duration::from_secs(1000)).await;
        assert_eq!((hub.stats().topics, hub.stats().history_bytes), (0, 0));
    }
}

#[tokio::test]
async fn a_key_has_a_length_and_takes_room() {
    let hub = Hub::builder()
        .history(History::off())
        .max_history_bytes(1000)
        .build();
    let event = || Event::text("x");
    let long = "k".repeat(257);
    assert!(matches!(
        hub.publish("t", event()).key(&long).await,
        Err(PublishError::KeyTooLong { len: 257, max: 256 })
    ));
    for key in ["1", "2"] {
        let key = key.repeat(256);
        hub.publish("t", event()).key(&key).await.unwrap();
    }
    let key = "3".repeat(256);
    assert!(matches!(
        hub.publish("t", event()).key(&key).await,
        Err(PublishError::HistoryFull { max: 1000 })
    ));
    hub.publish("t", event()).await.unwrap();
}

#[tokio::test]
async fn a_weak_handle_is_good_while_somebody_has_the_hub_or_a_subscription() {
    let hub = Hub::memory();
    let weak = hub.downgrade();
    let subscription = hub.subscribe("t").unwrap();
    drop(hub);
    publish(&weak.upgrade().unwrap(), "t", "x").await;
    let mut subscription = subscription.deliveries();
    assert_eq!(ready(&mut subscription), ["x"]);
    drop(subscription);
    assert!(weak.upgrade().is_none());
}

#[tokio::test]
async fn a_subscription_that_moves_wakes_whoever_polled_it_last() {
    for topics in [&["a"][..], &["a", "b", "c"]] {
        let hub = Hub::memory();
        let mut all = hub.subscribe_many(topics).unwrap().no_positions();
        let (first, first_woken) = counter();
        let (second, second_woken) = counter();
        for waker in [&first, &second, &second] {
            let next = all.poll_next_unpin(&mut Context::from_waker(waker));
            assert!(next.is_pending());
        }
        assert_eq!(all.next().now_or_never(), None);
        let next = all.poll_next_unpin(&mut Context::from_waker(&second));
        assert!(next.is_pending());
        publish(&hub, "a", "x").await;
        assert_eq!(woken(&first_woken), 0);
        assert_eq!(woken(&second_woken), 1);
        assert!(all.next().now_or_never().is_some());
    }
}

#[tokio::test]
async fn a_filter_that_lets_nothing_through_asks_to_be_polled_again() {
    let hub = Hub::memory();
    for n in 0..257 {
        publish(&hub, "t", n).await;
    }
    let none = hub.subscribe("t").unwrap().recent(1000).filter(|_| false);
    let mut none = none.no_positions();
    let (waker, times) = counter();
    let mut poll = || none.poll_next_unpin(&mut Context::from_waker(&waker));
    assert!(poll().is_pending());
    assert_eq!(woken(&times), 1, "there is more to look at");
    assert!(poll().is_pending());
    assert_eq!(woken(&times), 1, "that was all");
}

#[tokio::test]
async fn a_filter_may_use_the_hub_and_even_panic() {
    let hub = Hub::builder().history(History::off()).build();
    let inner = hub.clone();
    let all = hub.subscribe("t").unwrap().filter(move |message| {
        inner.blocking_publish("t", Event::text("again")).unwrap();
        drop(inner.subscribe("t").unwrap());
        assert_eq!(message.data().unwrap(), "x", "as the test wants it");
        true
    });
    publish(&hub, "t", "x").await;
    let mut all = all.deliveries();
    assert!(all.next().now_or_never().is_some());
    let panicked = std::panic::catch_unwind(AssertUnwindSafe(|| all.next().now_or_never()));
    assert!(panicked.is_err());
    drop(all);
    assert_eq!((hub.stats().topics, hub.stats().subscribers), (0, 0));
}

struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn counter() -> (Waker, Arc<Counter>) {
    let counter = Arc::new(Counter(AtomicUsize::new(0)));
    (Arc::clone(&counter).into(), counter)
}

fn woken(counter: &Counter) -> usize {
    counter.0.load(Ordering::Relaxed)
}
