//! The ways to send an event stream.
//!
//! Each is given the payload in the form that costs it least, and hands what it would give to the
//! server to `take`.

pub mod actix;
pub mod axum;
pub mod layer;
pub mod sse_stream;

use crate::{Drained, Pace, Payload};

/// So many events of a payload through a body, and what came out.
pub type Contender = fn(Payload, usize, Pace) -> Drained;

/// All of them, with their names in reports.
pub const ALL: [(&str, Contender); 6] = [
    ("sse-layer typed", |payload, count, pace| collect(|take| layer::typed(payload, count, pace, take))),
    ("sse-layer axum-named", |payload, count, pace| collect(|take| layer::axum_named(payload, count, pace, take))),
    ("axum", |payload, count, pace| collect(|take| axum::without_keep_alive(payload, count, pace, take))),
    ("axum with keep-alive", |payload, count, pace| collect(|take| axum::with_keep_alive(payload, count, pace, take))),
    ("actix-web-lab", |payload, count, pace| collect(|take| actix::sse(payload, count, pace, take))),
    ("sse-stream", |payload, count, pace| collect(|take| sse_stream::sse(payload, count, pace, take))),
];

#[inline]
fn collect(send: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Drained {
    let mut drained = Drained::default();
    send(&mut |chunk| drained.add(chunk));
    drained
}
