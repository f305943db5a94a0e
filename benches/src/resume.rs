//! A client that comes back: from its subscription to the last of what it missed.

use std::{
    fmt,
    future::poll_fn,
    hint::black_box,
    pin::{Pin, pin},
};

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use http_body::Body;
use memchr::memmem;
use sse_layer::{
    Event, EventId,
    hub::{Hub, Subscription},
};

use crate::{body_of, quote};

/// How many events the client has missed.
pub const MISSED: usize = 1000;

/// What there is when the client comes back.
#[derive(Debug)]
pub struct Missed {
    hub: Hub,
    topics: Vec<String>,
    last_seen: EventId,
}

/// To be dropped when the time is taken.
pub struct Resumed {
    _stream: Pin<Box<dyn Send>>,
}

/// A way to read it.
pub type Read = fn(&Missed) -> Resumed;

impl Missed {
    /// Publishes to so many topics in turn.
    ///
    /// # Panics
    ///
    /// If there is no room for it.
    pub fn of(topics: usize) -> Self {
        let hub = Hub::memory();
        let topics: Vec<_> = (0..topics).map(|topic| format!("quotes/{topic}")).collect();
        let mut publish = topics.iter().cycle().map(|topic| {
            hub.blocking_publish(topic, Event::json(quote()))
                .expect("a topic with room for a quote")
        });
        let last_seen = publish.next().expect("a topic");
        assert_eq!(publish.take(MISSED).count(), MISSED);
        Self {
            hub,
            topics,
            last_seen,
        }
    }

    /// Reads it from the subscription.
    ///
    /// # Panics
    ///
    /// If it is not there.
    pub fn as_frames(&self) -> Resumed {
        let mut subscription = self.subscribe();
        for _ in 0..MISSED {
            let frame = subscription.next().now_or_never().expect("no waiting");
            black_box(frame.expect("no end"));
        }
        Resumed {
            _stream: Box::pin(subscription),
        }
    }

    /// Reads it from the body that a server gets.
    ///
    /// # Panics
    ///
    /// If it is not there.
    pub fn as_body(&self) -> Resumed {
        let mut body = Box::pin(body_of(self.subscribe()));
        let mut events = 0;
        while events < MISSED {
            let chunk = next_chunk(body.as_mut());
            events += memmem::find_iter(&chunk, b"data: ").count();
            black_box(chunk);
        }
        Resumed { _stream: body }
    }

    fn subscribe(&self) -> Subscription {
        let subscription = self.hub.subscribe_many(&self.topics);
        subscription.expect("topics").after(self.last_seen.clone())
    }
}

fn next_chunk(mut body: Pin<&mut impl Body<Data = Bytes>>) -> Bytes {
    let chunk = pin!(poll_fn(|cx| body.as_mut().poll_frame(cx)));
    let Some(Some(Ok(chunk))) = chunk.now_or_never() else {
        panic!("the body waits, ends or fails");
    };
    chunk.into_data().unwrap_or_else(|_| panic!("no data"))
}

impl fmt::Debug for Resumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resumed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_missed_comes_from_the_history_without_a_gap() {
        for topics in [1, 3] {
            let missed = Missed::of(topics);
            drop(missed.as_frames());
            drop(missed.as_body());
            let stats = missed.hub.stats();
            assert_eq!(stats.replayed, 2 * MISSED as u64, "{topics}");
            assert_eq!((stats.delivered, stats.gaps), (stats.replayed, 0));
        }
    }
}
