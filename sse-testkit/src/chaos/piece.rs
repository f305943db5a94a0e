//! What travels through the faults.

use bytes::Bytes;
use http::HeaderMap;

use crate::client::BoxError;

pub(super) enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
    Failed(BoxError),
}
