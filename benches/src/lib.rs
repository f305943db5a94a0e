//! What the benchmarks send and through which bodies they send it: sse-layer beside its peers.
//!
//! One [`Payload`] is one kind of event. [`contenders`] has a function for each way to send it,
//! all of the same form: so many events, all ready or one by one, drained from the response's body to
//! its end.
//!
//! [`servers`] are whole programs, for the harness that measures them over sockets.

pub mod contenders;
pub mod servers;

mod drain;
mod paced;
mod payload;

pub use self::{
    drain::drain_body,
    paced::{Pace, Paced},
    payload::{EVENT_NAME, ID, Payload, Quote, lines, quote, text},
};
