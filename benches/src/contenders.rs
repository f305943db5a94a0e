//! The ways to send an event stream.
//!
//! Each is given the payload in the form that costs it least.

pub mod actix;
pub mod axum;
pub mod layer;
pub mod sse_stream;

use crate::{Pace, Payload};

/// Sends so many events of a payload through a body, and hands each chunk that a server would get
/// to the last argument.
pub type Send = fn(Payload, usize, Pace, &mut dyn FnMut(&[u8]));

/// All of them, with their names in reports.
pub const ALL: [(&str, Send); 6] = [
    ("sse-layer typed", layer::typed),
    ("sse-layer axum-named", layer::axum_named),
    ("axum", axum::without_keep_alive),
    ("axum with keep-alive", axum::with_keep_alive),
    ("actix-web-lab", actix::sse),
    ("sse-stream", sse_stream::sse),
];
