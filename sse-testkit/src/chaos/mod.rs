//! What a network does to an event stream: bytes come in other pieces than they were sent in, late,
//! not at all, or only up to some point.
//!
//! A stream that is read right when it comes as it was written may still be read wrong when a chunk
//! ends inside of a line, of a CRLF or of a character. [`every_split`] tries them all on whatever
//! takes bytes:
//!
//! ```
//! use sse_testkit::chaos;
//! use sse_testkit::parser::{Item, Parser};
//!
//! chaos::every_split("id: 7\r\ndata: grüße\r\n\r\n", |pieces| {
//!     let mut parser = Parser::new();
//!     let items = pieces.iter().flat_map(|piece| parser.feed(piece).unwrap());
//!     let events = items.filter(|item| matches!(item, Item::Event(_)));
//!     assert_eq!(events.count(), 1);
//! });
//! ```
//!
//! A [`Chaos`] is a list of faults, done one after the other in the order they are written. It is a
//! tower layer over the responses of a service, wraps any [body](Chaos::body) and any
//! [socket](Chaos::io), and is what a `ChaosProxy` does to the bytes between a real client and a
//! real server. Nothing in it is random but what has a seed.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use std::time::Duration;
//!
//! use axum::routing::get;
//! use sse_testkit::chaos;
//!
//! let stream = ([("content-type", "text/event-stream")], "data: 1\n\ndata: 2\n\n");
//! let app = axum::Router::new()
//!     .route("/", get(move || async move { stream }))
//!     .layer(chaos::split_every(1).delay(Duration::from_millis(100)).fail_after(12));
//!
//! let mut sse = sse_testkit::get(app, "/").await;
//! sse.expect_message().text("1").await;
//! assert_eq!(sse.elapsed(), Duration::from_millis(900));
//! sse.expect_error().await;
//! # }
//! ```

mod body;
mod broken;
mod fault;
mod io;
mod layer;
mod piece;
mod pipeline;
#[cfg(feature = "socket")]
mod proxy;
mod random;
mod requests;
mod service;
mod split;
mod stage;

use std::time::Duration;

pub use self::body::ChaosBody;
pub use self::broken::Broken;
pub use self::fault::Chaos;
pub use self::io::ChaosIo;
#[cfg(feature = "socket")]
pub use self::proxy::ChaosProxy;
pub use self::requests::{ChaosRequests, ChaosRequestsService};
pub use self::service::{ChaosResponse, ChaosService};
pub use self::split::{Split, every_split, splits};

/// [`Chaos::split_every`], to begin with.
pub fn split_every(bytes: usize) -> Chaos {
    Chaos::new().split_every(bytes)
}

/// [`Chaos::split_at`], to begin with.
pub fn split_at(positions: impl IntoIterator<Item = u64>) -> Chaos {
    Chaos::new().split_at(positions)
}

/// [`Chaos::split_randomly`], to begin with.
pub fn split_randomly(seed: u64, max: usize) -> Chaos {
    Chaos::new().split_randomly(seed, max)
}

/// [`Chaos::merge`], to begin with.
pub fn merge() -> Chaos {
    Chaos::new().merge()
}

/// [`Chaos::merge_up_to`], to begin with.
pub fn merge_up_to(bytes: usize) -> Chaos {
    Chaos::new().merge_up_to(bytes)
}

/// [`Chaos::merge_for`], to begin with.
pub fn merge_for(span: Duration) -> Chaos {
    Chaos::new().merge_for(span)
}

/// [`Chaos::delay`], to begin with.
pub fn delay(time: Duration) -> Chaos {
    Chaos::new().delay(time)
}

/// [`Chaos::delay_randomly`], to begin with.
pub fn delay_randomly(seed: u64, max: Duration) -> Chaos {
    Chaos::new().delay_randomly(seed, max)
}

/// [`Chaos::stall`], to begin with.
pub fn stall(after: u64, time: Duration) -> Chaos {
    Chaos::new().stall(after, time)
}

/// [`Chaos::hang_after`], to begin with.
pub fn hang_after(bytes: u64) -> Chaos {
    Chaos::new().hang_after(bytes)
}

/// [`Chaos::cut_after`], to begin with.
pub fn cut_after(bytes: u64) -> Chaos {
    Chaos::new().cut_after(bytes)
}

/// [`Chaos::fail_after`], to begin with.
pub fn fail_after(bytes: u64) -> Chaos {
    Chaos::new().fail_after(bytes)
}
