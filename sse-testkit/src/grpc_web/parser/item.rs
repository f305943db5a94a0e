//! What the parser yields.

use bytes::Bytes;
use http::HeaderMap;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item {
    /// A message.
    Message(Message),
    /// The trailers, which are the last frame. Names are in lower case.
    Trailers(HeaderMap),
}

/// A message as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The payload of its frame: encoded protobuf as a rule.
    pub bytes: Bytes,
    /// The payload is compressed, by what the response's `grpc-encoding` says. Nothing here
    /// decompresses it, and gRPC-Web clients do not either.
    pub compressed: bool,
}
