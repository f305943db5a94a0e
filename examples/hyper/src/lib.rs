//! Event streams without a framework: [`sse_layer::SseLayer`] around a plain service, on hyper.
//!
//! [`App`] is the service, [`serve()`] the loop around it.

mod app;

mod page;
mod stats;
mod time;

mod clock;
mod logs;
mod serve;

pub use self::{
    app::{App, Config},
    logs::{Bounds, Command, Running},
    serve::serve,
};
