//! A response body that ends where the script says.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};

use super::cut::Cut;
use crate::client::{BoxError, ResponseBody};
use crate::parser::{Item, Parser};

/// Counts events as a client would, byte by byte.
pub(super) struct CutBody {
    inner: ResponseBody,
    parser: Parser,
    /// How many events may pass.
    events: usize,
    cut: Cut,
    is_cut: bool,
}

impl CutBody {
    pub(super) fn new(inner: ResponseBody, events: usize, cut: Cut) -> Self {
        Self {
            inner,
            parser: Parser::new(),
            events,
            cut,
            is_cut: events == 0 && cut != Cut::MidFrame,
        }
    }

    /// How many of these bytes pass.
    fn passing(&mut self, bytes: &[u8]) -> usize {
        for (index, byte) in bytes.iter().enumerate() {
            // What is too large for the parser is judged by whoever reads it.
            let items = self.parser.feed(&[*byte]).unwrap_or_default();
            if !items.iter().any(|item| matches!(item, Item::Event(_))) {
                continue;
            }
            match (self.events, self.cut) {
                (0, _) => {
                    self.is_cut = true;
                    return index;
                }
                (1, Cut::AfterFrame | Cut::Reset) => {
                    self.is_cut = true;
                    return index + 1;
                }
                _ => self.events -= 1,
            }
        }
        bytes.len()
    }
}

impl Body for CutBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.is_cut {
            return Poll::Ready(match self.cut {
                Cut::Reset => Some(Err("the connection is reset by the test".into())),
                Cut::AfterFrame | Cut::MidFrame => None,
            });
        }
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        Poll::Ready(frame.map(|frame| {
            let frame = frame?;
            Ok(frame.map_data(|mut bytes| {
                let passing = self.passing(&bytes);
                bytes.truncate(passing);
                bytes
            }))
        }))
    }
}
