use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use super::EventStream;
use crate::{body::Chunk, error::Error, event::EventName};

/// Any event stream that is `Send`, behind one type: [`Sse::boxed`](crate::Sse::boxed) makes it.
///
/// Boxing costs an allocation a stream, and none an event: what is in the box still writes itself
/// into the response.
pub struct BoxEventStream(Pin<Box<dyn EventStream + Send>>);

impl BoxEventStream {
    pub(crate) fn new(stream: impl EventStream + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }
}

/// Any event stream, behind one type: [`Sse::boxed_local`](crate::Sse::boxed_local) makes it.
pub struct LocalBoxEventStream(Pin<Box<dyn EventStream>>);

impl LocalBoxEventStream {
    pub(crate) fn new(stream: impl EventStream + 'static) -> Self {
        Self(Box::pin(stream))
    }
}

macro_rules! delegate {
    ($($name:ident),*) => {$(
        impl EventStream for $name {
            fn poll_event(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                stream_name: Option<&EventName>,
                chunk: &mut Chunk,
            ) -> Poll<Option<Result<(), Error>>> {
                self.get_mut().0.as_mut().poll_event(cx, stream_name, chunk)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

delegate!(BoxEventStream, LocalBoxEventStream);
