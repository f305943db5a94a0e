//! A body whose bytes suffer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame};

use super::piece::Piece;
use super::pipeline::Pipeline;
use crate::client::BoxError;

/// A body with faults in it, made by [`Chaos::body`](super::Chaos::body).
#[derive(Debug)]
pub struct ChaosBody<B> {
    inner: Pin<Box<B>>,
    pipeline: Pipeline,
    is_over: bool,
}

impl<B> ChaosBody<B> {
    pub(super) fn new(inner: B, pipeline: Pipeline) -> Self {
        Self {
            inner: Box::pin(inner),
            pipeline,
            is_over: false,
        }
    }
}

impl<B> Body for ChaosBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let inner = &mut this.inner;
        let mut source = |cx: &mut Context<'_>| inner.as_mut().poll_frame(cx).map(piece);
        let piece = ready!(this.pipeline.poll(cx, &mut source));
        this.is_over = matches!(piece, Piece::End | Piece::Failed(_));
        Poll::Ready(match piece {
            Piece::Data(bytes) => Some(Ok(Frame::data(bytes))),
            Piece::Trailers(trailers) => Some(Ok(Frame::trailers(trailers))),
            Piece::Failed(error) => Some(Err(error)),
            Piece::End => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }
}

fn piece<D: Buf, E: Into<BoxError>>(frame: Option<Result<Frame<D>, E>>) -> Piece {
    let frame = match frame {
        None => return Piece::End,
        Some(Err(error)) => return Piece::Failed(error.into()),
        Some(Ok(frame)) => frame,
    };
    match frame.into_data() {
        Ok(mut data) => Piece::Data(data.copy_to_bytes(data.remaining())),
        // What is neither data nor trailers can't be told of; there is no such frame yet.
        Err(frame) => frame
            .into_trailers()
            .map_or_else(|_| Piece::Data(Bytes::new()), Piece::Trailers),
    }
}
