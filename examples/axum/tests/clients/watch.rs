//! A body that is looked at, and cut off wherever that is to happen.

use std::io;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use tokio::task::yield_now;

/// What is to become of a body.
pub(crate) enum Verdict {
    GoOn,
    /// It breaks off behind so many bytes of this chunk.
    Cut(usize),
}

/// Has each chunk looked at before it is sent.
pub(crate) fn watched(body: Body, look: impl FnMut(&Bytes) -> Verdict + Send + 'static) -> Body {
    let chunks = body.into_data_stream();
    let watched = stream::unfold(Some((chunks, look)), async |state| {
        let Some((mut chunks, mut look)) = state else {
            // So that what was sent before is written first.
            yield_now().await;
            return Some((Err(io::Error::other("cut off")), None));
        };
        let chunk = match chunks.next().await? {
            Ok(chunk) => chunk,
            Err(error) => return Some((Err(io::Error::other(error)), None)),
        };
        match look(&chunk) {
            Verdict::GoOn => Some((Ok(chunk), Some((chunks, look)))),
            Verdict::Cut(len) => Some((Ok(chunk.slice(..len)), None)),
        }
    });
    Body::from_stream(watched)
}
