//! tokio's broadcast by itself.

use std::{hint::black_box, sync::Arc};

use futures_util::StreamExt as _;
use sse_layer::Frame;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use super::{Audience, CAPACITY, frame};

/// Each receiver in a future, which is the least that it can cost.
pub(super) fn receivers(subscribers: usize) -> Arc<Audience> {
    let (mut audience, receivers) = open(subscribers);
    for mut receiver in receivers {
        audience.seat(|mut taken| async move {
            while let Ok(frame) = receiver.recv().await {
                black_box(frame);
                taken.add(1);
            }
        });
    }
    Arc::new(audience)
}

/// Each receiver as a stream, which is what a handler gives away: tokio's has no `poll_recv`.
pub(super) fn streams(subscribers: usize) -> Arc<Audience> {
    let (mut audience, receivers) = open(subscribers);
    for receiver in receivers {
        let mut stream = BroadcastStream::new(receiver);
        audience.seat(|mut taken| async move {
            while let Some(Ok(frame)) = stream.next().await {
                black_box(frame);
                taken.add(1);
            }
        });
    }
    Arc::new(audience)
}

fn open(subscribers: usize) -> (Audience, Vec<broadcast::Receiver<Frame>>) {
    let (sender, receiver) = broadcast::channel(CAPACITY);
    let receivers = (0..subscribers).map(|_| sender.subscribe()).collect();
    drop(receiver);
    let audience = Audience::new(move || {
        sender.send(frame()).expect("a channel with receivers");
    });
    (audience, receivers)
}
