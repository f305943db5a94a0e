//! What can go wrong, and what of it a client is told: nothing but the response's status.

use std::{error::Error as StdError, fmt};

/// The erased error of a handler's stream.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// A field that the wire format can't carry.
///
/// The event stream is line based and has no escape, so a line break inside an id or a name would
/// start a field of the sender's choosing
/// ([WHATWG HTML, 9.2.6](https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidField {
    /// The id has a CR or LF in it.
    IdLineBreak,
    /// The id has a NUL in it; clients ignore such an id.
    IdNul,
    /// The event name has a CR or LF in it.
    NameLineBreak,
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IdLineBreak => "an event id must not contain CR or LF",
            Self::IdNul => "an event id must not contain NUL: clients would ignore it",
            Self::NameLineBreak => "an event name must not contain CR or LF",
        })
    }
}

impl StdError for InvalidField {}

/// An event that can't be written as a frame. Nothing of it is sent.
#[derive(Debug)]
pub struct EncodeError(EncodeErrorKind);

#[derive(Debug)]
enum EncodeErrorKind {
    Field(InvalidField),
    #[cfg(feature = "json")]
    Json(serde_json::Error),
    Other(BoxError),
}

impl EncodeError {
    /// An error from an [`EventData`](crate::EventData) of your own.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self(EncodeErrorKind::Other(error.into()))
    }

    /// The field that was refused, if that is what went wrong.
    pub fn invalid_field(&self) -> Option<InvalidField> {
        match self.0 {
            EncodeErrorKind::Field(field) => Some(field),
            _ => None,
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            EncodeErrorKind::Field(error) => error.fmt(f),
            #[cfg(feature = "json")]
            EncodeErrorKind::Json(error) => write!(f, "the event's data is not JSON: {error}"),
            EncodeErrorKind::Other(error) => error.fmt(f),
        }
    }
}

impl StdError for EncodeError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0 {
            EncodeErrorKind::Field(error) => Some(error),
            #[cfg(feature = "json")]
            EncodeErrorKind::Json(error) => Some(error),
            EncodeErrorKind::Other(error) => Some(error.as_ref()),
        }
    }
}

impl From<InvalidField> for EncodeError {
    fn from(field: InvalidField) -> Self {
        Self(EncodeErrorKind::Field(field))
    }
}

#[cfg(feature = "json")]
impl From<serde_json::Error> for EncodeError {
    fn from(error: serde_json::Error) -> Self {
        Self(EncodeErrorKind::Json(error))
    }
}

/// Why a response broke off: the error of [`SseBody`](crate::SseBody) and
/// [`GuardedBody`](crate::GuardedBody).
///
/// Servers end the connection on it without telling the client more, so its text stays on the
/// server.
#[derive(Debug)]
pub struct Error(ErrorKind);

#[derive(Debug)]
enum ErrorKind {
    Stream(BoxError),
    Encode(EncodeError),
    Body(BoxError),
}

impl Error {
    /// The handler's stream answered an error.
    pub(crate) fn stream(error: impl Into<BoxError>) -> Self {
        Self(ErrorKind::Stream(error.into()))
    }

    /// A body that we only pass on answered an error.
    pub(crate) fn body(error: impl Into<BoxError>) -> Self {
        Self(ErrorKind::Body(error.into()))
    }

    /// Whether an event could not be written, as opposed to the stream having failed.
    pub fn is_encode(&self) -> bool {
        matches!(self.innermost().0, ErrorKind::Encode(_))
    }

    /// Whether it comes from a stream that is guarded further in, and has been told there.
    pub(crate) fn is_from_within(&self) -> bool {
        !std::ptr::eq(self.innermost(), self)
    }

    /// This error, or the one of ours that a body around ours has wrapped.
    fn innermost(&self) -> &Self {
        let mut innermost = self;
        let mut next = self.source();
        while let Some(error) = next {
            innermost = error.downcast_ref().unwrap_or(innermost);
            next = error.source();
        }
        innermost
    }

    /// The error that the handler's stream or body answered, or the [`EncodeError`].
    pub fn into_inner(self) -> BoxError {
        match self.0 {
            ErrorKind::Stream(error) | ErrorKind::Body(error) => error,
            ErrorKind::Encode(error) => error.into(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ErrorKind::Stream(error) => write!(f, "the event stream failed: {error}"),
            ErrorKind::Encode(error) => write!(f, "an event could not be written: {error}"),
            ErrorKind::Body(error) => error.fmt(f),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0 {
            ErrorKind::Stream(error) | ErrorKind::Body(error) => Some(error.as_ref()),
            ErrorKind::Encode(error) => Some(error),
        }
    }
}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        Self(ErrorKind::Encode(error))
    }
}
