//! What the clients have in common: a request goes out, a response with a boxed body comes back.

use std::error::Error;
use std::pin::Pin;

use bytes::{Buf as _, Bytes};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;

use crate::Body;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;
pub(crate) type ResponseBody = UnsyncBoxBody<Bytes, BoxError>;
pub(crate) type Sending<'a> =
    Pin<Box<dyn Future<Output = Result<Response<ResponseBody>, BoxError>> + Send + 'a>>;

/// Can send a request, and another one when the client reconnects.
pub(crate) trait Transport: Send {
    fn send(&mut self, request: Request<Body>) -> Sending<'_>;

    /// Why no request to this address can ever succeed.
    fn refuses(&self, _uri: &http::Uri) -> Option<String> {
        None
    }

    /// Whether the other side lives in real time.
    fn needs_real_time(&self) -> bool;
}

/// A request with this extension goes over a connection that is reset when it is closed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResetOnClose;

pub(crate) fn boxed<B>(response: Response<B>) -> Response<ResponseBody>
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    response.map(|body| {
        body.map_err(Into::into)
            .map_frame(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
            .boxed_unsync()
    })
}

/// Whether the same request would fail again a moment later.
pub(crate) fn is_for_good(error: &BoxError) -> bool {
    #[cfg(feature = "socket")]
    return error
        .downcast_ref::<super::Unreachable>()
        .is_some_and(|it| it.for_good);
    #[cfg(not(feature = "socket"))]
    {
        let _ = error;
        false
    }
}

/// An error with its causes, which is where hyper's say what happened.
pub(crate) fn describe(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = error.source();
    }
    text
}
