use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http::HeaderMap;

use super::{Boundary, Chunk};
use crate::error::Error;

/// What a guarded body is made of: our events, or somebody else's bytes.
pub(super) trait Source {
    /// Adds the next piece to the chunk.
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>, chunk: &mut Chunk) -> Poll<Piece>;

    /// Where the bytes so far end.
    fn boundary(&self) -> Boundary;
}

pub(super) enum Piece {
    /// Some bytes were added, or none; with them so many events became complete.
    Added(u64),
    Trailers(HeaderMap),
    Failed(Error),
    Ended,
}
