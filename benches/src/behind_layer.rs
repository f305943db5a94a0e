use std::{
    convert::Infallible,
    future::ready,
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, header::ACCEPT};
use http_body::Body;
use sse_layer::{EventStream, Sse, SseLayer};
use tower::{Layer, Service, service_fn};

/// The body that a server gets for such a stream from a service behind [`SseLayer`] with its
/// defaults, a heartbeat after 15 s among them.
///
/// # Panics
///
/// If the service does not answer at once.
pub fn body_of<S>(stream: S) -> impl Body<Data = Bytes>
where
    S: EventStream,
{
    let mut stream = Some(stream);
    let handler = service_fn(|_request: Request<()>| {
        let stream = stream.take().expect("one request");
        ready(Ok::<_, Infallible>(Sse::new(stream)))
    });
    let request = Request::get("/")
        .header(ACCEPT, "text/event-stream")
        .body(())
        .expect("a request");
    let response = pin!(SseLayer::new().layer(handler).call(request));
    let Poll::Ready(Ok(response)) = response.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("the handler answers at once");
    };
    response.into_body()
}
