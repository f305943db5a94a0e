//! Server-Sent Events for any tower service.

mod error;
pub mod event;

pub use self::{
    error::{BoxError, EncodeError, Error, InvalidField},
    event::{Encoder, Event, EventData, EventDataWriter, EventId, EventName, Frame, Text},
};
#[cfg(feature = "json")]
pub use self::event::{Json, Tagged};
