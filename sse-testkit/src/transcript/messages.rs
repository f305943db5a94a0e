//! gRPC's messages and statuses, as text.

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use super::Transcript;
use super::redact::Redactions;
use super::render::{escape, lines};
use crate::grpc_web::{Message, Status};

/// How to read a message.
#[derive(Clone)]
pub(super) struct View(Arc<Read>);

type Read = dyn Fn(&[u8]) -> String + Send + Sync;

/// Enough to see what it is, and not a page of it.
const MAX_HEX: usize = 256;

impl Transcript {
    /// Shows the messages of a gRPC-Web call as this text, instead of their bytes. One that is
    /// compressed stays bytes.
    ///
    /// If the text is JSON, [`redact_json`](Self::redact_json) applies to it.
    pub fn with_messages(mut self, view: impl Fn(&[u8]) -> String + Send + Sync + 'static) -> Self {
        self.messages = Some(View(Arc::new(view)));
        self
    }

    /// Shows the messages of a gRPC-Web call as their `Debug` form, decoded as this type.
    #[cfg(feature = "prost")]
    pub fn messages_as<M>(self) -> Self
    where
        M: prost::Message + Default + fmt::Debug + 'static,
    {
        self.decoded::<M>(|message| format!("{message:?}"))
    }

    /// Shows the messages of a gRPC-Web call as JSON, decoded as this type. An event stream that
    /// sends the same values shows the same text.
    #[cfg(feature = "prost")]
    pub fn messages_as_json<M>(self) -> Self
    where
        M: prost::Message + Default + serde::Serialize + 'static,
    {
        self.decoded::<M>(|message| match serde_json::to_string(message) {
            Ok(json) => json,
            Err(error) => format!("no JSON: {error}"),
        })
    }

    #[cfg(feature = "prost")]
    fn decoded<M>(self, show: fn(&M) -> String) -> Self
    where
        M: prost::Message + Default + 'static,
    {
        self.with_messages(move |bytes| match M::decode(bytes) {
            Ok(message) => show(&message),
            Err(error) => {
                let name = std::any::type_name::<M>();
                format!("not a {name}: {error}\n{}", hex(bytes))
            }
        })
    }
}

pub(super) fn message(message: &Message, view: Option<&View>, redactions: &Redactions) -> String {
    let bytes = &message.bytes;
    match view {
        Some(View(view)) if !message.compressed => {
            lines("message", &redactions.shown_data(&view(bytes)))
        }
        _ => {
            let compressed = if message.compressed {
                " compressed"
            } else {
                ""
            };
            let head = format!("message{compressed} {} bytes", bytes.len());
            match bytes.is_empty() {
                true => head,
                false => lines(&head, &hex(bytes)),
            }
        }
    }
}

pub(super) fn status(status: &Status, redactions: &Redactions) -> String {
    let mut head = format!("status {}", status.code);
    if status.in_headers {
        head.push_str(" in the headers");
    }
    let mut text = match status.message.is_empty() {
        true => head,
        false => lines(&head, &status.message),
    };
    // The headers are shown at the top.
    if !status.in_headers {
        let trailers = status.trailers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            let value = escape(redactions.shown_header(name.as_str(), &value));
            format!("\n  with trailer {name}: {value}")
        });
        let mut trailers: Vec<_> = trailers.collect();
        trailers.sort();
        text.extend(trailers);
    }
    text
}

/// The bytes in rows of sixteen.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (row, bytes) in bytes[..bytes.len().min(MAX_HEX)].chunks(16).enumerate() {
        for (column, byte) in bytes.iter().enumerate() {
            let gap = match (row, column) {
                (0, 0) => "",
                (_, 0) => "\n",
                _ => " ",
            };
            let _ = write!(text, "{gap}{byte:02x}");
        }
    }
    if bytes.len() > MAX_HEX {
        let _ = write!(text, "\nand {} more", bytes.len() - MAX_HEX);
    }
    text
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("View")
    }
}
