//! One line of a recording.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Connect {
        last_event_id: String,
    },
    Head {
        status: StatusCode,
        headers: HeaderMap,
    },
    Chunk(Bytes),
    End,
    Error(String),
}
