//! What a test can say about an event stream.

mod collect;
mod event;
mod frames;
pub(crate) mod head;
mod json;
mod quiet;
mod tagged;

pub use self::event::ExpectEvent;
