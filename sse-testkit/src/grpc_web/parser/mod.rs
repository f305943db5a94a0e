//! The frames of a gRPC-Web body, fed chunk by chunk.

mod base64;
mod error;
mod item;
#[cfg(test)]
mod tests;
mod trailers;

use std::borrow::Cow;

use bytes::{Buf as _, BytesMut};

use self::base64::Base64;
pub use self::error::ParseError;
pub use self::item::{Item, Message};

/// An incremental parser of the frames of [gRPC-Web], binary or as text.
///
/// How the bytes are cut into chunks makes no difference to what is yielded: a frame, or a group of
/// base64, may be split anywhere.
///
/// ```
/// use sse_testkit::grpc_web::{Item, Parser};
///
/// let mut parser = Parser::binary();
/// let mut items = parser.feed(b"\0\0\0\0\x02hi\x80\0\0\0\x10grpc-")?;
/// items.extend(parser.feed(b"status: 0\r\n")?);
/// parser.finish()?;
///
/// let [Item::Message(message), Item::Trailers(trailers)] = &items[..] else {
///     panic!("{items:?}");
/// };
/// assert_eq!(message.bytes, "hi");
/// assert_eq!(trailers["grpc-status"], "0");
/// # Ok::<(), sse_testkit::grpc_web::ParseError>(())
/// ```
///
/// [gRPC-Web]: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
#[derive(Debug, Clone)]
pub struct Parser {
    /// Nothing if the body is binary.
    base64: Option<Base64>,
    buffer: BytesMut,
    max_frame_size: usize,
    /// The trailers have come, which are the last frame.
    complete: bool,
    failed: Option<ParseError>,
}

/// The flags and the length in front of each frame.
const HEADER: usize = 5;
const COMPRESSED: u8 = 1;
const TRAILERS: u8 = 1 << 7;

impl Parser {
    /// The size a frame may have unless told otherwise.
    pub const DEFAULT_LIMIT: usize = 8 * 1024 * 1024;

    /// A parser of `application/grpc-web`, at the start of a body.
    pub fn binary() -> Self {
        Self {
            base64: None,
            buffer: BytesMut::new(),
            max_frame_size: Self::DEFAULT_LIMIT,
            complete: false,
            failed: None,
        }
    }

    /// A parser of `application/grpc-web-text`, at the start of a body.
    ///
    /// The text is base64 in segments that are each padded: a server encodes whatever it flushes.
    pub fn text() -> Self {
        Self {
            base64: Some(Base64::default()),
            ..Self::binary()
        }
    }

    /// A parser of what this content type says; nothing if that is not gRPC-Web.
    ///
    /// ```
    /// use sse_testkit::grpc_web::Parser;
    ///
    /// assert!(Parser::of_content_type("application/grpc-web-text+proto").is_some());
    /// assert!(Parser::of_content_type("application/grpc").is_none());
    /// ```
    pub fn of_content_type(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next()?.trim().to_ascii_lowercase();
        let (kind, _format) = essence.split_once('+').unwrap_or((&essence, ""));
        match kind {
            "application/grpc-web" => Some(Self::binary()),
            // The encoding may be named, and there is no other.
            "application/grpc-web-text" | "application/grpc-web-text-base64" => Some(Self::text()),
            _ => None,
        }
    }

    /// Sets how many bytes the payload of a frame may have.
    #[must_use]
    pub fn max_frame_size(mut self, bytes: usize) -> Self {
        self.max_frame_size = bytes;
        self
    }

    /// Takes the next bytes and yields what they complete.
    ///
    /// # Errors
    ///
    /// When the bytes are no gRPC-Web. Items completed before that are returned first, and the error
    /// by the next call, so that it does not depend on the chunks what is seen. A parser that has
    /// failed stays so.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Item>, ParseError> {
        let mut items = Vec::new();
        if self.failed.is_none() {
            let (bytes, undecodable) = match &mut self.base64 {
                Some(base64) => {
                    let mut decoded = Vec::new();
                    let result = base64.feed(bytes, &mut decoded);
                    (Cow::Owned(decoded), result.err())
                }
                None => (Cow::Borrowed(bytes), None),
            };
            // What is wrong with a frame came before what could not be decoded any more.
            self.failed = self.frames(&bytes, &mut items).err().or(undecodable);
        }
        match &self.failed {
            Some(error) if items.is_empty() => Err(error.clone()),
            _ => Ok(items),
        }
    }

    /// Ends the body.
    ///
    /// # Errors
    ///
    /// When it ends too early: inside a frame, or without a trailer frame. The latter is fine if
    /// the response is a gRPC "Trailers-Only" one, whose headers tell the status. Also when
    /// [`feed`](Self::feed) has not told yet that it failed.
    pub fn finish(self) -> Result<(), ParseError> {
        let rest = self.base64.as_ref().map_or(&b""[..], Base64::rest);
        match self.failed {
            Some(error) => Err(error),
            None if self.complete => base64::complete(rest),
            None if self.buffer.is_empty() && rest.is_empty() => Err(ParseError::NoTrailers),
            None => Err(ParseError::Truncated {
                missing: missing(&self.buffer),
            }),
        }
    }

    fn frames(&mut self, bytes: &[u8], items: &mut Vec<Item>) -> Result<(), ParseError> {
        self.buffer.extend_from_slice(bytes);
        while !self.complete && !self.buffer.is_empty() {
            let flags = self.buffer[0];
            if flags & !(TRAILERS | COMPRESSED) != 0 {
                return Err(ParseError::UnknownFlags { flags });
            }
            let Some(size) = payload_size(&self.buffer) else {
                return Ok(());
            };
            if size > self.max_frame_size {
                let limit = self.max_frame_size;
                return Err(ParseError::FrameTooLarge { size, limit });
            }
            if missing(&self.buffer) > 0 {
                return Ok(());
            }
            self.buffer.advance(HEADER);
            let bytes = self.buffer.split_to(size).freeze();
            let compressed = flags & COMPRESSED != 0;
            if flags & TRAILERS == 0 {
                items.push(Item::Message(Message { bytes, compressed }));
            } else if compressed {
                return Err(ParseError::CompressedTrailers);
            } else {
                items.push(Item::Trailers(trailers::parse(&bytes)?));
                self.complete = true;
            }
        }
        match self.buffer.is_empty() {
            true => Ok(()),
            false => Err(ParseError::AfterTrailers),
        }
    }
}

/// How many bytes the frame at the start announces, once it does.
fn payload_size(buffer: &[u8]) -> Option<usize> {
    let size = buffer.get(1..HEADER)?;
    let size = size
        .iter()
        .fold(0, |size, byte| size << 8 | u64::from(*byte));
    Some(usize::try_from(size).unwrap_or(usize::MAX))
}

/// How many bytes the frame at the start lacks, as far as is known.
fn missing(buffer: &[u8]) -> usize {
    let whole = HEADER.saturating_add(payload_size(buffer).unwrap_or(0));
    whole.saturating_sub(buffer.len())
}
