//! How often an event allocates on its way from the handler's stream through the response's body.

use allocation_counter::{AllocationInfo, measure};
use sse_benches::{
    Pace, Payload,
    contenders::{Send, layer},
};

const EVENTS: usize = 1000;

/// What came out of a body.
#[derive(Debug, Default)]
struct Drained {
    chunks: usize,
    bytes: usize,
}

fn allocations(send: Send, payload: Payload, events: usize) -> (u64, Drained) {
    let mut drained = Drained::default();
    let AllocationInfo { count_total, .. } = measure(|| {
        send(payload, events, Pace::Ready, &mut |chunk| {
            drained.chunks += 1;
            drained.bytes += chunk.len();
        });
    });
    (count_total, drained)
}

/// What more events allocate, without what the response's head does.
fn allocations_of_events(send: Send, payload: Payload) -> (u64, Drained) {
    let (head, one) = allocations(send, payload, 1);
    let (all, many) = allocations(send, payload, 1 + EVENTS);
    let more = Drained {
        chunks: many.chunks - one.chunks,
        bytes: many.bytes - one.bytes,
    };
    (all - head, more)
}

/// A buffer that begins small grows while the first chunks are filled.
const WARM_UP: u64 = 10;

#[test]
fn typed_events_that_are_coalesced_allocate_nothing_but_their_chunk() {
    for payload in Payload::ALL {
        let (count, sent) = allocations_of_events(layer::typed, payload);
        let chunks = sent.chunks as u64;
        assert!(
            chunks > 2 && chunks < EVENTS as u64 / 5,
            "{}: {sent:?}",
            payload.name()
        );
        // Its buffer, and the block that makes it shared.
        assert!(
            count <= 2 * chunks + WARM_UP,
            "{}: {count} allocations in {chunks} chunks",
            payload.name(),
        );
    }
}

#[test]
fn events_built_as_in_axum_allocate_at_most_once_for_each_string_set() {
    for (payload, strings) in [
        (Payload::Text, 1),
        (Payload::NamedText, 3),
        (Payload::Json, 1),
        (Payload::Lines, 1),
    ] {
        let (count, sent) = allocations_of_events(layer::axum_named, payload);
        let at_most = strings * EVENTS as u64 + 2 * sent.chunks as u64 + WARM_UP;
        assert!(
            count <= at_most,
            "{}: {count} allocations, {at_most} expected at most",
            payload.name(),
        );
    }
}
