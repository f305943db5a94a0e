//! A response body that ends where the script says.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};

use super::cut::Cut;
use super::cuts::Cuts;
use crate::client::{BoxError, ResponseBody};
use crate::parser::{Item, Parser};

/// Counts events as a client would, byte by byte.
pub(super) struct CutBody {
    inner: ResponseBody,
    parser: Parser,
    cuts: Cuts,
    /// How it was cut.
    done: Option<Cut>,
}

impl CutBody {
    pub(super) fn new(inner: ResponseBody, cuts: Cuts) -> Self {
        let mut this = Self {
            inner,
            parser: Parser::new(),
            cuts,
            done: None,
        };
        this.cut_between();
        this
    }

    /// How many of these bytes pass.
    fn passing(&mut self, bytes: &[u8]) -> usize {
        for (index, byte) in bytes.iter().enumerate() {
            // What is too large for the parser is judged by whoever reads it.
            let items = self.parser.feed(&[*byte]).unwrap_or_default();
            if !items.iter().any(|item| matches!(item, Item::Event(_))) {
                continue;
            }
            if let Some((0, cut)) = self.cuts.next() {
                self.cut(cut);
                return index;
            }
            self.cuts.count();
            self.cut_between();
            if self.done.is_some() {
                return index + 1;
            }
        }
        bytes.len()
    }

    /// Cuts it here, in between two events, if that is what is next.
    fn cut_between(&mut self) {
        if let Some((0, cut @ (Cut::AfterFrame | Cut::Reset))) = self.cuts.next() {
            self.cut(cut);
        }
    }

    fn cut(&mut self, cut: Cut) {
        self.done = Some(cut);
        self.cuts.done();
    }
}

impl Body for CutBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(cut) = self.done {
            return Poll::Ready(match cut {
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
