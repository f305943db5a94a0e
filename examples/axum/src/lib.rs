//! Live stock prices, orders, notifications and token streams over Server-Sent Events, on axum.
//!
//! One [`SseLayer`](sse_layer::SseLayer) stands around all routes and looks after every stream:
//! heartbeats, the limit on connections, shutdown. The handlers only say what is streamed.
//!
//! In the order in which an event travels: what is published, where it is kept for those who
//! come back, the feeds that publish, and the streams that follow.

mod clock;
mod message;

mod journal;

mod notifications;
mod orders;
mod stocks;

mod live;
pub mod metrics;
mod stats;
mod time;

mod ai;
mod openai;

mod error;
mod page;

mod app;

pub use self::app::{Config, app};

/// Compiles and runs the code in the workspace's README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
