//! What a test can say about an event stream.

mod check;
mod collect;
mod decode;
mod event;
mod frames;
pub(crate) mod head;
mod quiet;
mod sequence;
mod tagged;

pub use self::event::ExpectEvent;
pub use self::sequence::pattern;
