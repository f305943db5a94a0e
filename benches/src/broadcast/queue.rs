//! async-broadcast by itself, set to drop the oldest as in the hub, of room enough from the start.

use std::{future::poll_fn, hint::black_box, pin::Pin, sync::Arc};

use async_broadcast::broadcast;

use super::{Audience, CAPACITY, frame};

pub(super) fn receivers(subscribers: usize) -> Arc<Audience> {
    let (mut sender, receiver) = broadcast(CAPACITY);
    sender.set_overflow(true);
    let receivers: Vec<_> = (0..subscribers).map(|_| sender.new_receiver()).collect();
    drop(receiver);
    let mut audience = Audience::new(move || {
        sender
            .try_broadcast(frame())
            .expect("a queue with receivers");
    });
    for mut receiver in receivers {
        audience.seat(|mut taken| async move {
            while let Some(frame) = poll_fn(|cx| Pin::new(&mut receiver).poll_recv(cx)).await {
                black_box(frame.expect("a queue that is long enough"));
                taken.add(1);
            }
        });
    }
    Arc::new(audience)
}
