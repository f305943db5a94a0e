//! The log of one test: everything that came over one or several connections, in order.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::frame::Frame;
use crate::grpc_web::{Message, Status};

/// Something that happened, and when.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) at: Duration,
    pub(crate) what: What,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    /// A request was sent again, after a pause.
    Reconnect {
        after: Duration,
        id: String,
    },
    /// A response head.
    Head(Head),
    /// Bytes as the body yielded them; the frames they completed follow.
    Chunk(Bytes),
    Frame(Frame),
    Message(Message),
    /// How a gRPC call ended.
    Status(Status),
    /// The whole body of a response that is no event stream.
    Plain(String),
    /// The body ended by itself. What a client then discards is kept.
    End {
        discarded: Option<String>,
    },
    /// There was no response, or its body broke off.
    Error(String),
    /// The test closed the response.
    Closed,
}

impl What {
    /// Whether expectations look at it.
    pub(crate) fn is_expectable(&self) -> bool {
        !matches!(
            self,
            Self::Reconnect { .. } | Self::Head(_) | Self::Chunk(_)
        )
    }

    /// Whether nothing can follow on this connection.
    pub(crate) fn is_last(&self) -> bool {
        matches!(self, Self::End { .. } | Self::Error(_) | Self::Closed)
    }
}

/// A response head.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
}

impl Head {
    /// What `EventSource` asks of the content type. Of several the last one counts.
    pub(crate) fn is_event_stream(&self) -> bool {
        let values = self.headers.get_all(http::header::CONTENT_TYPE).iter();
        let types = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        let essences = types.filter_map(|it| it.split(|byte| *byte == b';').next());
        let is_type = |it: &&[u8]| it.contains(&b'/') && *it != b"*/*";
        let last = essences.map(<[u8]>::trim_ascii).rfind(is_type);
        last.is_some_and(|it| it.eq_ignore_ascii_case(b"text/event-stream"))
    }
}

/// Bytes as a response body yielded them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk {
    /// The bytes.
    pub bytes: Bytes,
    /// When they came, counted from the first request.
    pub elapsed: Duration,
}
