//! What a service behind the layer may answer.

use bytes::Bytes;
use http::{Extensions, Response};

use crate::{
    admission::{Admission, Entry, OpeningWish, Wish, Wishes},
    body::{GuardedBody, SseBody},
    headers,
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
        let marks = Marks {
            keep_alive: true,
            finite: options.finite,
        };
        let (wishes, name, extra) = options.into_parts();
        let body = match admission.enter(wishes) {
            Entry::Stream(guard, drain_begins) => {
                SseBody::stream(stream, name, guard, drain_begins)
            }
            Entry::Head => SseBody::head(),
            Entry::Refused(refusal) => return Self::refused(refusal.into_response()),
        };
        let mut response = Response::new(body);
        *response.headers_mut() = extra;
        headers::render(response.headers_mut());
        marks.insert_into(response.extensions_mut());
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
        if !headers::is_event_stream(parts.status, &parts.headers) {
            // The admission, and a permit with it, goes before the body does.
            drop(admission);
            return Response::from_parts(parts, GuardedBody::plain(body));
        }
        let inner = Marks::of(&parts.extensions);
        let wishes = Wishes {
            heartbeat: match inner {
                Some(Marks {
                    keep_alive: true, ..
                }) => Wish::Own(None),
                _ => Wish::AsTheLayer,
            },
            opening: if !headers::is_plain_text(&parts.headers) {
                OpeningWish::Impossible
            } else if inner.is_some() {
                OpeningWish::Done
            } else {
                OpeningWish::Wanted
            },
            finite: inner.is_some_and(|marks| marks.finite),
            ..Wishes::default()
        };
        let body = match admission.enter(wishes) {
            Entry::Stream(guard, drain_begins) => GuardedBody::stream(body, guard, drain_begins),
            Entry::Head => GuardedBody::head(),
            Entry::Refused(refusal) => return Self::refused(refusal.into_response()),
        };
        headers::complete(&mut parts.headers);
        let marks = Marks {
            keep_alive: true,
            finite: inner.is_some_and(|marks| marks.finite),
        };
        marks.insert_into(&mut parts.extensions);
        Response::from_parts(parts, body)
    }

    fn refused(response: Response<Bytes>) -> Response<GuardedBody<B>> {
        response.map(GuardedBody::full)
    }
}

/// What a layer further out can't see of a body: left in the response's extensions.
///
/// A stream is known by its content type alone, with or without these. Where something in between
/// loses them, the worst is a heartbeat too many.
#[derive(Clone, Copy)]
pub(crate) struct Marks {
    /// Somebody has decided on heartbeats.
    pub(crate) keep_alive: bool,
    /// The stream ends by itself.
    pub(crate) finite: bool,
}

impl Marks {
    fn of(extensions: &Extensions) -> Option<Self> {
        extensions.get().copied()
    }

    pub(crate) fn insert_into(self, extensions: &mut Extensions) {
        extensions.insert(self);
    }
}
