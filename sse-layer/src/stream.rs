//! What a response's stream may be made of.

mod boxed;
mod typed;
mod until;

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;

pub use self::{
    boxed::{BoxEventStream, LocalBoxEventStream},
    typed::{TryTyped, Typed},
    until::Until,
};
use crate::{
    body::Chunk,
    error::{BoxError, Error},
    event::{Event, EventData, EventName, Frame},
};

/// A stream that can be sent as an event stream.
///
/// Every [`Stream`] of [`Event`], of [`Frame`], or of a `Result` of one of them is one. The trait
/// is sealed; implement `Stream`.
pub trait EventStream {
    /// Writes the next event.
    #[doc(hidden)]
    fn poll_event(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        stream_name: Option<&EventName>,
        chunk: &mut Chunk,
    ) -> Poll<Option<Result<(), Error>>>;
}

impl<S> EventStream for S
where
    S: Stream,
    S::Item: EventItem,
{
    #[inline]
    fn poll_event(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        stream_name: Option<&EventName>,
        chunk: &mut Chunk,
    ) -> Poll<Option<Result<(), Error>>> {
        self.poll_next(cx)
            .map(|item| Some(item?.write(stream_name, chunk)))
    }
}

/// An item of an [`EventStream`]. Sealed.
pub trait EventItem {
    /// Writes the item as a whole, or nothing of it.
    #[doc(hidden)]
    fn write(self, stream_name: Option<&EventName>, chunk: &mut Chunk) -> Result<(), Error>;
}

impl<D> EventItem for Event<D>
where
    D: EventData,
{
    #[inline]
    fn write(self, stream_name: Option<&EventName>, chunk: &mut Chunk) -> Result<(), Error> {
        self.encode_into(chunk.buffer(), stream_name)
            .map_err(Error::from)
    }
}

impl EventItem for Frame {
    fn write(self, _stream_name: Option<&EventName>, chunk: &mut Chunk) -> Result<(), Error> {
        chunk.push_shared(self.into_bytes());
        Ok(())
    }
}

impl<T, E> EventItem for Result<T, E>
where
    T: EventItem,
    E: Into<BoxError>,
{
    #[inline]
    fn write(self, stream_name: Option<&EventName>, chunk: &mut Chunk) -> Result<(), Error> {
        self.map_err(Error::stream)?.write(stream_name, chunk)
    }
}
