//! The hub, subscribers as bodies of responses: what a server drives.

use std::{future::poll_fn, hint::black_box, pin::pin, sync::Arc};

use http_body::Body as _;
use memchr::memmem;
use sse_layer::hub::Hub;

use super::{Audience, TOPIC, hub::publish};
use crate::body_of;

pub(super) fn bodies(subscribers: usize) -> Arc<Audience> {
    let hub = Hub::memory();
    let publisher = hub.clone();
    let mut audience = Audience::new(move || publish(&publisher));
    for _ in 0..subscribers {
        let subscription = hub.subscribe(TOPIC).expect("a topic");
        audience.seat(|mut taken| async move {
            let mut body = pin!(body_of(subscription));
            while let Some(Ok(chunk)) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
                let chunk = chunk.into_data().expect("data");
                // Heartbeats and positions have none.
                taken.add(memmem::find_iter(&chunk, b"data: ").count());
                black_box(chunk);
            }
        });
    }
    Arc::new(audience)
}
