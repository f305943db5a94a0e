//! One event for all: written once, held once, and nobody waits for anybody.

use std::{
    pin::{Pin, pin},
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Waker},
};

use futures_util::{Stream, StreamExt, stream::FuturesUnordered};
use http_body::Body;
use sse_layer::{EncodeError, Encoder, Event, EventData, Hub, Sse, SseBody, hub::History};

use crate::ready;

#[tokio::test]
async fn an_event_is_written_once_for_ten_thousand_subscribers() {
    static WRITTEN: AtomicUsize = AtomicUsize::new(0);

    struct Counted;

    impl EventData for Counted {
        fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError> {
            WRITTEN.fetch_add(1, Ordering::Relaxed);
            encoder.text("x");
            Ok(())
        }
    }

    let hub = Hub::memory();
    // As the layer sends them: each in a body of its own.
    let mut bodies: Vec<_> = (0..10_000)
        .map(|_| {
            let subscription = hub.subscribe("t").unwrap().no_positions();
            Box::pin(Sse::new(subscription).into_http_response().into_body())
        })
        .collect();
    let mut cx = Context::from_waker(Waker::noop());
    let mut next = |body: &mut Pin<Box<SseBody<_>>>| body.as_mut().poll_frame(&mut cx);
    for body in &mut bodies {
        assert!(next(body).is_ready(), "the opening bytes");
        assert!(next(body).is_pending());
    }
    hub.publish("t", Event::new(Counted)).await.unwrap();
    let mut bytes = Vec::new();
    for body in &mut bodies {
        match next(body) {
            std::task::Poll::Ready(Some(Ok(frame))) => bytes.push(frame.into_data().unwrap()),
            other => panic!("{other:?}"),
        }
    }
    assert!(bytes[0].ends_with(b"data: x\n\n"));
    assert!(
        bytes
            .iter()
            .all(|frame| frame.as_ptr() == bytes[0].as_ptr())
    );
    assert_eq!(hub.stats().delivered, 10_000);
    // Nor is it written again for who comes later.
    let mut later = hub.subscribe("t").unwrap().recent(1);
    let frame = later.next().await.unwrap();
    assert_eq!(frame.as_bytes().as_ptr(), bytes[0].as_ptr());
    assert_eq!(WRITTEN.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn one_that_never_reads_takes_nothing_from_a_thousand_that_do() {
    const BURST: usize = 1000;
    const BURSTS: usize = 100;

    // Healthy ones need no history.
    let hub = Hub::builder().history(History::off()).build();
    let mut stalled = hub.subscribe("t").unwrap().no_positions().deliveries();
    assert_eq!(ready(&mut stalled), [""; 0]);
    let mut healthy: Vec<_> = (0..1000)
        .map(|_| hub.subscribe("t").unwrap().no_positions().deliveries())
        .collect();
    let mut counts = vec![0; healthy.len()];
    let mut published = 0;
    for _ in 0..BURSTS {
        for _ in 0..BURST {
            published += 1;
            hub.publish("t", Event::text(published.to_string()))
                .await
                .unwrap();
        }
        for (subscriber, count) in healthy.iter_mut().zip(&mut counts) {
            for _ in 0..BURST {
                let next = pin!(subscriber.next());
                match next.poll(&mut Context::from_waker(Waker::noop())) {
                    std::task::Poll::Ready(Some(sse_layer::hub::Delivery::Message(message))) => {
                        *count += 1;
                        // Each of them, in order.
                        if *count % 997 == 0 {
                            assert_eq!(message.data().unwrap(), count.to_string());
                        }
                    }
                    other => panic!("{other:?} after {count}"),
                }
            }
        }
    }
    assert!(counts.iter().all(|count| *count == BURST * BURSTS));
    let stats = hub.stats();
    assert_eq!((stats.lagged, stats.gaps), (0, 0), "{stats:?}");
    // The stalled one has its queue, and knows what it has not.
    let told = ready(&mut stalled);
    assert_eq!(told.len(), 1025);
    assert!(told[0].starts_with("gap lagged 98976 up to"), "{}", told[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribers_on_tasks_of_their_own_get_all_bursts_beside_one_that_never_reads() {
    let hub = Hub::builder().history(History::off()).build();
    let stalled = hub.subscribe("t").unwrap();
    let (have_it, mut all_have_it) = tokio::sync::mpsc::unbounded_channel();
    let subscribers: FuturesUnordered<_> = (0..200)
        .map(|_| {
            let mut subscriber = hub.subscribe("t").unwrap().no_positions();
            let have_it = have_it.clone();
            tokio::spawn(async move {
                for n in 1..=5000 {
                    let frame = subscriber.next().await.unwrap();
                    assert!(
                        frame
                            .as_bytes()
                            .ends_with(format!("data: {n}\n\n").as_bytes())
                    );
                    if n % 500 == 0 {
                        have_it.send(n).unwrap();
                    }
                }
            })
        })
        .collect();
    for burst in 1..=10 {
        for n in 500 * (burst - 1)..500 * burst {
            let event = Event::text((n + 1).to_string());
            hub.publish("t", event).await.unwrap();
        }
        for _ in 0..200 {
            assert_eq!(all_have_it.recv().await, Some(500 * burst));
        }
    }
    subscribers.for_each(|ended| async { ended.unwrap() }).await;
    assert_eq!(hub.stats().lagged, 0);
    assert_eq!(stalled.size_hint(), (0, None));
}
