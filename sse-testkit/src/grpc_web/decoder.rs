//! From the bytes of a gRPC-Web body to records.

use super::{Item, ParseError, Parser, Status};
use crate::record::{Head, What};
use crate::recorder::Decoder;

pub(super) struct MessageDecoder {
    parser: Parser,
    /// What the response's headers say of the status.
    in_headers: Result<Option<Status>, String>,
    /// A frame has come, so that what the headers say is not all there is.
    begun: bool,
    http_trailers: bool,
}

impl MessageDecoder {
    /// Nothing if the response is of another content type.
    pub(super) fn new(head: &Head) -> Option<Self> {
        let content_type = head.headers.get(http::header::CONTENT_TYPE)?;
        Some(Self {
            parser: Parser::of_content_type(content_type.to_str().ok()?)?,
            in_headers: Status::read(head.headers.clone(), true),
            begun: false,
            http_trailers: false,
        })
    }
}

impl Decoder for MessageDecoder {
    fn chunk(&mut self, bytes: &[u8], _at_head: bool) -> Vec<What> {
        let mut whats = Vec::new();
        // An error is told after the items that came before it, so ask once more.
        let mut parsed = self.parser.feed(bytes);
        loop {
            match parsed {
                Ok(items) if items.is_empty() => return whats,
                Ok(items) => {
                    self.begun = true;
                    whats.extend(items.into_iter().map(what));
                }
                Err(error) => {
                    whats.push(What::Error(error.to_string()));
                    return whats;
                }
            }
            parsed = self.parser.feed(b"");
        }
    }

    fn finish(self: Box<Self>) -> Vec<What> {
        let error = match self.parser.finish() {
            Ok(()) => return vec![What::End { discarded: None }],
            Err(error) => error,
        };
        let instead = match (&error, self.in_headers) {
            (ParseError::NoTrailers, in_headers) if !self.begun => in_headers,
            _ => Ok(None),
        };
        match instead {
            Ok(Some(status)) => vec![What::Status(status), What::End { discarded: None }],
            Ok(None) if self.http_trailers => vec![What::Error(format!(
                "{error}, but with HTTP trailers, which a browser does not show"
            ))],
            Ok(None) => vec![What::Error(error.to_string())],
            Err(reason) => vec![What::Error(reason)],
        }
    }

    fn http_trailers(&mut self) {
        self.http_trailers = true;
    }

    fn part(&self, bytes: &[u8]) -> Option<String> {
        Some(format!("a part of a frame: {} bytes", bytes.len()))
    }
}

fn what(item: Item) -> What {
    match item {
        Item::Message(message) => What::Message(message),
        Item::Trailers(trailers) => match Status::read(trailers, false) {
            Ok(Some(status)) => What::Status(status),
            Ok(None) => What::Error("the trailer frame has no grpc-status".to_owned()),
            Err(error) => What::Error(error),
        },
    }
}
