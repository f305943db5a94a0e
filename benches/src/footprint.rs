//! The memory that stays taken, in bytes.
//!
//! Whoever asks hands in what counts them: a program that counts its allocations is not one to take
//! the time of.

use std::{future::poll_fn, sync::Arc};

use futures_util::{FutureExt as _, Stream, StreamExt as _};
use http_body::Body as _;
use sse_layer::{
    Event,
    hub::{History, Hub},
};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use crate::{body_of, quote};

/// Runs something, and answers how many bytes more are taken when it is done.
pub type Count<'a> = &'a dyn Fn(&mut dyn FnMut()) -> i64;

/// A subscription to so many topics that has nothing to send.
pub fn subscription(count: Count<'_>, topics: usize) -> i64 {
    let hub = Hub::memory();
    let names: Vec<_> = (0..topics).map(name).collect();
    let _first = hub.subscribe_many(&names);
    each(count, |_| {
        waiting(hub.subscribe_many(&names).expect("topics"))
    })
}

/// The body of a response with a subscription to one topic that has nothing to send.
pub fn body(count: Count<'_>) -> i64 {
    let hub = Hub::memory();
    let _first = hub.subscribe("t");
    each(count, |_| {
        let subscription = hub.subscribe("t").expect("a topic");
        let mut body = Box::pin(body_of(subscription));
        while poll_fn(|cx| body.as_mut().poll_frame(cx))
            .now_or_never()
            .is_some()
        {}
        body
    })
}

/// A topic without history, with one subscriber, who has read what was published so far. The
/// subscription is not counted.
pub fn topic(count: Count<'_>, published: usize) -> i64 {
    let hub = Hub::builder().history(History::off()).build();
    let both = each(count, |at| {
        let name = name(at);
        let mut subscription = waiting(hub.subscribe(&name).expect("a topic"));
        for _ in 0..published {
            publish(&hub, &name);
            assert!(subscription.next().now_or_never().is_some());
        }
        assert!(subscription.next().now_or_never().is_none());
        subscription
    });
    both - subscription(count, 1)
}

/// A topic without a subscriber that keeps so many events.
pub fn kept(count: Count<'_>, events: usize) -> i64 {
    let hub = Hub::memory();
    each(count, |at| {
        let name = name(at);
        for _ in 0..events {
            publish(&hub, &name);
        }
    })
}

/// A receiver of async-broadcast that waits.
pub fn async_broadcast_receiver(count: Count<'_>) -> i64 {
    let (sender, _receiver) = async_broadcast::broadcast::<Shared>(CAPACITY);
    each(count, |_| waiting(sender.new_receiver()))
}

/// async-broadcast's queue, empty, with a receiver that never waited.
pub fn async_broadcast_queue(count: Count<'_>) -> i64 {
    each(count, |_| async_broadcast::broadcast::<Shared>(CAPACITY))
}

/// A receiver of tokio's broadcast that waits, as a stream.
pub fn tokio_stream(count: Count<'_>) -> i64 {
    let (sender, _receiver) = broadcast::channel::<Shared>(CAPACITY);
    each(count, |_| waiting(BroadcastStream::new(sender.subscribe())))
}

/// tokio's broadcast, empty, with a receiver that never waited.
pub fn tokio_queue(count: Count<'_>) -> i64 {
    each(count, |_| broadcast::channel::<Shared>(CAPACITY))
}

/// As large as a hub's message in a queue.
type Shared = Arc<[u8; 120]>;

/// As many as a hub's queue may hold that nobody set up otherwise.
const CAPACITY: usize = 1024;

/// Enough for what is there once not to count.
const COPIES: usize = 1000;

/// What one of many takes: itself, and what it allocates.
fn each<T>(count: Count<'_>, mut make: impl FnMut(usize) -> T) -> i64 {
    let mut made = Vec::new();
    let bytes = count(&mut || {
        made.reserve_exact(COPIES);
        made.extend((0..COPIES).map(&mut make));
    });
    bytes / COPIES as i64
}

/// Polls it until there is nothing more for now.
fn waiting<S>(mut stream: S) -> S
where
    S: Stream + Unpin,
{
    while stream.next().now_or_never().is_some() {}
    stream
}

fn name(at: usize) -> String {
    format!("quotes/{at:06}")
}

fn publish(hub: &Hub, topic: &str) {
    hub.blocking_publish(topic, Event::json(quote()))
        .expect("a topic with room for a quote");
}
