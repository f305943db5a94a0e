//! What the benchmarks send and through which bodies they send it: sse-layer beside its peers.
//!
//! One [`Payload`] is one kind of event. [`contenders`] has a function for each way to send it,
//! all of the same form: so many events, all ready or one by one, drained from the response's body to
//! its end.
//!
//! The harness measures over sockets: [`servers`] are whole programs, a [`load`] client opens thousands
//! of streams and sees to it that nothing is missing, [`measure`] reads what the kernel tells of the
//! server meanwhile, [`modes`] put these together, and a [`report`] says what came out.

pub mod contenders;
mod drain;
mod paced;
mod payload;

pub mod load;
pub mod measure;
pub mod modes;
pub mod report;
pub mod servers;

pub use self::{
    drain::drain_body,
    paced::{Pace, Paced},
    payload::{EVENT_NAME, ID, Payload, Quote, lines, quote, text},
};
