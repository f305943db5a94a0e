//! One tonic service on one port, as gRPC, as grpc-web and as Server-Sent Events.
//!
//! All three are the same stream of messages, of one implementation of [`Prices`]. What ends it,
//! a [`tonic::Status`], is a trailer on two of them and an event on the third.
//!
//! [`Prices`]: proto::prices_server::Prices
//!
//! In the order in which a message travels: what it says, where prices come from, the service that
//! streams them, and the routes on which they are sent.

pub mod proto;
mod timestamp;

mod clock;
mod market;

mod watch;

mod cors;
mod page;
mod sse;
mod stats;

mod app;

pub use self::app::{Config, app};
