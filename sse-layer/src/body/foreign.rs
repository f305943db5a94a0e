use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http_body::Body;
use pin_project_lite::pin_project;

use super::{
    Boundary, Chunk,
    boundary::Position,
    source::{Piece, Source},
};
use crate::error::{BoxError, Error};

const BOM: &[u8] = b"\xef\xbb\xbf";

pin_project! {
    /// The body of an event stream that somebody else writes, in pieces of any size.
    pub(super) struct Foreign<B> {
        #[pin]
        body: B,
        position: Option<Position>,
        bom: Bom,
    }
}

/// A byte order mark counts only at the very beginning of a stream. Behind bytes of ours it would
/// be part of a field's name, so it is taken out.
#[derive(Clone, Copy, PartialEq)]
enum Bom {
    /// Nothing was sent yet.
    Passes,
    /// Something of ours was sent first; so many bytes of a mark were taken out.
    Removed(u8),
    /// The beginning is over.
    Over,
}

impl<B> Foreign<B> {
    /// `is_text` tells whether the bytes are the stream's text, and not a compressed form of it;
    /// `is_opened`, whether bytes of ours come first.
    pub(super) fn new(body: B, is_text: bool, is_opened: bool) -> Self {
        Self {
            body,
            position: is_text.then_some(Position::START),
            bom: if is_opened {
                Bom::Removed(0)
            } else {
                Bom::Passes
            },
        }
    }
}

impl<B> Source for Foreign<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>, chunk: &mut Chunk) -> Poll<Piece> {
        let this = self.project();
        let frame = match ready!(this.body.poll_frame(cx)) {
            None => return Poll::Ready(Piece::Ended),
            Some(Err(error)) => return Poll::Ready(Piece::Failed(Error::body(error))),
            Some(Ok(frame)) => frame,
        };
        let mut data = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => {
                return Poll::Ready(match frame.into_trailers() {
                    Ok(trailers) => Piece::Trailers(trailers),
                    Err(_) => Piece::Added(0),
                });
            }
        };
        let bytes = without_bom(this.bom, data.copy_to_bytes(data.remaining()));
        let mut events = 0;
        if !bytes.is_empty() {
            if let Some(position) = this.position {
                events = position.advance(&bytes);
            }
            chunk.push_shared(bytes);
            // Its sender's pieces stay pieces.
            chunk.close();
        }
        Poll::Ready(Piece::Added(events))
    }

    fn boundary(&self) -> Boundary {
        self.position.map_or(Boundary::Opaque, Position::boundary)
    }
}

fn without_bom(bom: &mut Bom, mut bytes: Bytes) -> Bytes {
    let Bom::Removed(mut removed) = *bom else {
        if !bytes.is_empty() {
            *bom = Bom::Over;
        }
        return bytes;
    };
    while bytes
        .first()
        .is_some_and(|first| BOM[usize::from(removed)..].first() == Some(first))
    {
        bytes.advance(1);
        removed += 1;
    }
    let (mark, missing) = BOM.split_at(removed.into());
    if bytes.is_empty() && !missing.is_empty() {
        *bom = Bom::Removed(removed);
        return bytes;
    }
    *bom = Bom::Over;
    if mark.is_empty() || missing.is_empty() {
        bytes
    } else {
        // It was no mark after all.
        [mark, &bytes].concat().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(pieces: &[&'static [u8]]) -> Vec<u8> {
        let mut bom = Bom::Removed(0);
        pieces
            .iter()
            .flat_map(|piece| without_bom(&mut bom, Bytes::from_static(piece)))
            .collect()
    }

    #[test]
    fn a_byte_order_mark_is_removed_however_it_is_split() {
        assert_eq!(sent(&[b"\xef\xbb\xbfdata"]), b"data");
        assert_eq!(sent(&[b"\xef", b"\xbb", b"", b"\xbf", b"data"]), b"data");
        assert_eq!(sent(&[b"\xef\xbb\xbf\xef\xbb\xbf"]), BOM);
    }

    #[test]
    fn what_only_begins_like_one_is_kept() {
        assert_eq!(sent(&[b"\xef\xbb", b"x"]), b"\xef\xbbx");
        assert_eq!(sent(&[b"data", b"\xef\xbb\xbf"]), b"data\xef\xbb\xbf");
    }

    #[test]
    fn a_mark_in_its_place_passes() {
        let mut bom = Bom::Passes;
        assert_eq!(without_bom(&mut bom, Bytes::from_static(BOM)), BOM);
        assert_eq!(without_bom(&mut bom, Bytes::from_static(BOM)), BOM);
    }
}
