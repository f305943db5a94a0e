use std::{fmt, time::Duration};

use bytes::Bytes;

use super::{
    Event, EventData,
    encoder::{COMMENT, lines, lines_len},
};
use crate::error::EncodeError;

/// An event as it goes over the wire: encoded once, cheap to clone, shared among streams.
///
/// A stream of frames costs no encoding: one that is sent alone goes to the connection without a
/// copy.
///
/// ```
/// use sse_layer::{Event, Frame};
///
/// let frame: Frame = Event::text("hello").event("greeting").to_frame()?;
/// assert_eq!(frame.as_bytes(), b"event: greeting\ndata: hello\n\n");
/// # Ok::<(), sse_layer::EncodeError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Frame(Bytes);

impl Frame {
    /// The bytes, up to and with the blank line that ends the block.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Bytes that are a whole block.
    #[cfg(feature = "hub")]
    pub(crate) const fn from_block(block: Bytes) -> Self {
        Self(block)
    }

    /// An id without data: clients take it for where they stand, and dispatch nothing.
    #[cfg(feature = "hub")]
    pub(crate) fn position(id: &super::EventId) -> Self {
        Self(format!("id: {id}\n\n").into())
    }

    pub(crate) const fn from_static(bytes: &'static [u8]) -> Self {
        Self(Bytes::from_static(bytes))
    }

    /// With the blank line that ends a block.
    pub(crate) fn ended(self) -> Self {
        Self([self.as_bytes(), b"\n"].concat().into())
    }
}

/// A lone `retry:` line, which tells the client how long to wait before it reconnects.
///
/// Without a blank line behind it: clients take it at once, and those that dispatch an event for
/// every block (httpx-sse) have none to dispatch.
pub(crate) fn retry_line(retry: Duration) -> Frame {
    Frame(format!("retry: {}\n", retry.as_millis()).into())
}

/// A comment without a blank line behind it.
pub(crate) fn comment_line(text: &str) -> Frame {
    let mut out = Vec::with_capacity(lines_len(COMMENT, text));
    lines(&mut out, COMMENT, text);
    Frame(out.into())
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Frame").field(&self.0).finish()
    }
}

impl<D> Event<D>
where
    D: EventData,
{
    /// Encodes the event into one buffer of its exact size, to be shared among streams.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] for an invalid id or name, and for data that can't be written.
    pub fn to_frame(&self) -> Result<Frame, EncodeError> {
        let mut out = Vec::with_capacity(self.size_hint());
        self.encode_into(&mut out, None)?;
        // A `Vec` with spare capacity would be given a second allocation by `Bytes`.
        Ok(Frame(Bytes::from(out.into_boxed_slice())))
    }
}

impl<D> TryFrom<Event<D>> for Frame
where
    D: EventData,
{
    type Error = EncodeError;

    fn try_from(event: Event<D>) -> Result<Self, Self::Error> {
        event.to_frame()
    }
}
