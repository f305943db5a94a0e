//! Live stock prices, orders, notifications and token streams over Server-Sent Events, on axum.
//!
//! One [`SseLayer`](sse_layer::SseLayer) stands around all routes and looks after every stream:
//! heartbeats, the limit on connections, shutdown. The handlers only say what is streamed.
//!
//! What happens is published to a [`Hub`](sse_layer::hub::Hub), which keeps the latest of it for
//! clients that come back. In the order in which an event travels: what is published, the feeds
//! that publish and are followed, and the streams that are made of several.

mod clock;
mod kept;
mod message;
mod register;

mod ai;
mod notifications;
mod orders;
mod stocks;

mod live;
pub mod metrics;
mod stats;
mod time;

mod openai;

mod error;
mod page;

mod app;

pub use self::app::{Config, app};

/// Compiles and runs the code in the workspace's README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
