//! What the benchmarks send and through which bodies they send it: sse-layer beside its peers.
//!
//! One [`Payload`] is one kind of event. [`contenders`] has a function for each way to send it,
//! all of the same form: so many events, all ready or one by one, drained from the response's body to
//! its end.
//!
//! [`broadcast`] is of the hub: an event on its way to many subscribers, beside queues alone.
//! [`resume`] is of what a client gets that comes back, and [`footprint`] of the memory that stays
//! taken.
//!
//! The harness measures over sockets: [`servers`] are whole programs, a [`load`] client opens thousands
//! of streams and sees to it that nothing is missing, [`measure`] reads what the kernel tells of the
//! server meanwhile, [`modes`] put these together, and a [`report`] says what came out. [`engines`] are
//! what nodes share.

mod behind_layer;
pub mod broadcast;
pub mod contenders;
mod drain;
pub mod engines;
pub mod footprint;
mod markdown;
mod paced;
mod payload;
pub mod resume;
mod rounds;

pub mod load;
pub mod measure;
pub mod modes;
pub mod report;
pub mod servers;

pub use self::{
    behind_layer::body_of,
    drain::drain_body,
    markdown::Table,
    paced::{Pace, Paced},
    payload::{EVENT_NAME, ID, Payload, Quote, lines, quote, text},
    rounds::{Figures, Rounds, is_measured, median},
};
