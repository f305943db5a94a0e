//! What stops the parser.

use std::fmt;

/// The bytes are not what gRPC-Web allows, or larger than the parser accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseError {
    /// A frame announces more bytes than [`max_frame_size`](super::Parser::max_frame_size).
    FrameTooLarge {
        /// What it announces.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A frame begins with flags that have no meaning. Likely it is no frame at all.
    UnknownFlags {
        /// The first byte of the frame.
        flags: u8,
    },
    /// The trailers are compressed, which is not read.
    CompressedTrailers,
    /// A line of the trailers is no `name: value`.
    BadTrailer {
        /// The line.
        line: String,
    },
    /// There are more trailers than a [`HeaderMap`](http::HeaderMap) holds.
    TooManyTrailers,
    /// Something follows the trailers, which have to be the last frame.
    AfterTrailers,
    /// The text is not base64.
    NotBase64 {
        /// The four characters that mean nothing, or fewer at the end of the body.
        group: String,
    },
    /// The body ended inside a frame.
    Truncated {
        /// How many bytes the frame lacks; more if its header is not complete.
        missing: usize,
    },
    /// The body ended between frames, but the trailers had not come.
    NoTrailers,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrameTooLarge { size, limit } => {
                write!(f, "a frame announces {size} bytes, more than {limit}")
            }
            Self::UnknownFlags { flags } => {
                write!(f, "a frame begins with the unknown flags 0x{flags:02x}")
            }
            Self::CompressedTrailers => f.write_str("the trailer frame is compressed"),
            Self::BadTrailer { line } => write!(f, "the trailer line {line:?} is no `name: value`"),
            Self::TooManyTrailers => f.write_str("there are too many trailers"),
            Self::AfterTrailers => f.write_str("bytes follow the trailer frame"),
            Self::NotBase64 { group } => write!(f, "{group:?} is not base64"),
            Self::Truncated { missing } => {
                write!(
                    f,
                    "the body ended inside a frame that lacks {missing} bytes"
                )
            }
            Self::NoTrailers => f.write_str("the body ended without a trailer frame"),
        }
    }
}

impl std::error::Error for ParseError {}
