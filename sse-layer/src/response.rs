//! What a service behind the layer may answer.

use bytes::Bytes;
use http::Response;

use crate::{
    admission::{Admission, Entry, OpeningWish, Wish, Wishes},
    body::{GuardedBody, SseBody},
    headers,
    observe::ObservedWithin,
    on_error::OnError,
    refusal::Refused,
    sse::{Content, Sse},
};

/// An answer that [`SseLayer`](crate::SseLayer) can stand around: an [`Sse`], or any
/// [`http::Response`].
///
/// An `Sse` is rendered. A response that already is an event stream, whoever wrote it, gets the
/// same guard around its body. Every other response passes as it is. The trait is sealed.
pub trait IntoEventResponse {
    /// The body of the response that comes out.
    type Body;

    /// Renders or guards the answer.
    #[doc(hidden)]
    fn into_event_response(self, admission: Admission) -> Response<Self::Body>;

    /// The answer to a request that does not reach its handler.
    #[doc(hidden)]
    fn refused(response: Response<Bytes>) -> Response<Self::Body>;
}

impl<S> IntoEventResponse for Sse<S> {
    type Body = SseBody<S>;

    fn into_event_response(self, admission: Admission) -> Response<SseBody<S>> {
        let Self { content, options } = self;
        let stream = match content {
            Content::Stream(stream) => stream,
            Content::Response(response) => return response.map(SseBody::full),
        };
        let mut marks = Marks {
            keep_alive: true,
            ..options.marks()
        };
        let (wishes, name, extra) = options.into_parts();
        let body = match admission.enter(wishes) {
            Entry::Stream(guard) => {
                marks.observed = guard.observed.share();
                SseBody::stream(stream, name, guard)
            }
            Entry::Head => SseBody::head(),
            Entry::Refused(refusal) => return Self::refused(refusal.into_response()),
        };
        let mut response = Response::new(body);
        *response.headers_mut() = extra;
        headers::render(response.headers_mut());
        response.extensions_mut().insert(marks);
        response
    }

    fn refused(response: Response<Bytes>) -> Response<SseBody<S>> {
        response.map(SseBody::full)
    }
}

impl<B> IntoEventResponse for Response<B> {
    type Body = GuardedBody<B>;

    fn into_event_response(self, admission: Admission) -> Response<GuardedBody<B>> {
        let (mut parts, body) = self.into_parts();
        let is_stream = headers::is_event_stream(parts.status, &parts.headers);
        if !is_stream || parts.extensions.get::<Refused>().is_some() {
            // The admission, and a permit with it, goes before the body does.
            drop(admission);
            return Response::from_parts(parts, GuardedBody::plain(body));
        }
        let inner = parts.extensions.remove::<Marks>();
        let is_text = headers::is_plain_text(&parts.headers);
        let opening = match &inner {
            _ if !is_text => OpeningWish::Impossible,
            Some(_) => OpeningWish::Done,
            None => OpeningWish::Wanted,
        };
        let mut marks = inner.unwrap_or_default();
        let wishes = Wishes {
            heartbeat: seen_to(marks.keep_alive, None),
            opening,
            retry: None,
            max_lifetime: seen_to(marks.max_lifetime, None),
            // What has been broken off further in stays broken off.
            on_error: seen_to(marks.on_error, OnError::abort()),
            finite: marks.finite,
            observed: std::mem::take(&mut marks.observed),
        };
        let body = match admission.enter(wishes) {
            Entry::Stream(guard) => {
                marks.observed = guard.observed.share();
                GuardedBody::stream(body, is_text, guard)
            }
            Entry::Head => GuardedBody::head(),
            Entry::Refused(refusal) => return Self::refused(refusal.into_response()),
        };
        headers::complete(&mut parts.headers);
        marks.keep_alive = true;
        parts.extensions.insert(marks);
        Response::from_parts(parts, body)
    }

    fn refused(response: Response<Bytes>) -> Response<GuardedBody<B>> {
        response.map(GuardedBody::full)
    }
}

/// What somebody further in has seen to is left alone, as far as `nothing` goes.
fn seen_to<T>(is_seen_to: bool, nothing: T) -> Wish<T> {
    if is_seen_to {
        Wish::Own(nothing)
    } else {
        Wish::AsTheLayer
    }
}

/// What a layer further out can't see of a body: left in the response's extensions.
///
/// A stream is known by its content type alone, with or without these. Where something in between
/// loses them, the outer layer treats it as it does anybody else's stream.
#[derive(Clone, Default)]
pub(crate) struct Marks {
    /// Somebody has decided on heartbeats...
    pub(crate) keep_alive: bool,
    /// ...on the lifetime...
    pub(crate) max_lifetime: bool,
    /// ...and on what becomes of an error.
    pub(crate) on_error: bool,
    /// The stream ends by itself.
    pub(crate) finite: bool,
    /// A layer observes it.
    pub(crate) observed: ObservedWithin,
}
