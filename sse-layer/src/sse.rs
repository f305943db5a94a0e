//! What a handler answers.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header::SET_COOKIE};

#[cfg(feature = "json")]
use crate::event::{Json, Tagged};
use crate::{
    admission::{OpeningWish, Wish, Wishes},
    body::{Guard, SseBody, Watch, opening},
    event::EventName,
    headers,
    keep_alive::{Heartbeat, KeepAlive},
    observe::{Observed, ObservedWithin},
    on_error::OnError,
    response::Marks,
    stream::{BoxEventStream, EventStream, LocalBoxEventStream, TryTyped, Typed, Until},
};

/// An event stream as a handler's answer; or, where there is none to give, another response.
///
/// ```
/// use std::convert::Infallible;
/// use futures_util::stream::{self, Stream};
/// use sse_layer::{Event, Sse, SseLayer};
/// use tower::ServiceBuilder;
///
/// async fn prices(_: http::Request<()>) -> Result<Sse<impl Stream<Item = Event>>, Infallible> {
///     Ok(Sse::new(stream::iter([Event::text("12.50"), Event::text("12.75")])))
/// }
///
/// let service = ServiceBuilder::new().layer(SseLayer::new()).service_fn(prices);
/// ```
///
/// What is set here wins over what the [layer](crate::SseLayer) is set to. Without a layer an
/// `Sse` is a response by itself, with heartbeats only where [`keep_alive`](Self::keep_alive)
/// asks for them: axum takes it as it is (feature `axum`), hyper takes
/// [`into_http_response`](Self::into_http_response).
///
/// # Moving from axum
///
/// The names are those of `axum::response::sse`, so that moving is a change of imports. Two types
/// can't be the same:
///
/// - [`Event::json_data`](crate::Event::json_data) answers an [`EncodeError`](crate::EncodeError)
///   instead of an `axum::Error`. With the feature `axum`, `?` turns it into one; a stream's item
///   that names the error, such as `Result<Event, axum::Error>`, wants
///   `.map_err(axum::Error::from)`, or `EncodeError` in its stead.
/// - [`keep_alive`](Self::keep_alive) answers an `Sse<S>`, where axum wraps the stream and answers
///   an `Sse<KeepAliveStream<S>>`.
#[derive(Clone)]
#[must_use]
pub struct Sse<S> {
    pub(crate) content: Content<S>,
    pub(crate) options: Options,
}

#[derive(Clone)]
pub(crate) enum Content<S> {
    Stream(S),
    Response(Response<Bytes>),
}

#[derive(Clone, Default)]
pub(crate) struct Options {
    name: Option<EventName>,
    keep_alive: Option<Option<Arc<Heartbeat>>>,
    retry: Option<Duration>,
    on_error: Option<OnError>,
    max_lifetime: Option<Duration>,
    pub(crate) finite: bool,
    headers: HeaderMap,
}

impl<S> Sse<S> {
    /// A stream of [`Event`](crate::Event)s or [`Frame`](crate::Frame)s, or of `Result`s of them.
    pub fn new(stream: S) -> Self {
        Self {
            content: Content::Stream(stream),
            options: Options::default(),
        }
    }

    /// A plain response instead of a stream, for a handler that finds nothing to stream.
    ///
    /// ```
    /// use futures_util::stream;
    /// use sse_layer::{Event, Sse};
    ///
    /// let known = false;
    /// let answer = if known {
    ///     Sse::new(stream::iter([Event::text("found")]))
    /// } else {
    ///     Sse::response(http::Response::builder().status(404).body("no such order".into()).unwrap())
    /// };
    /// ```
    pub fn response(response: Response<Bytes>) -> Self {
        Self {
            content: Content::Response(response),
            options: Options::default(),
        }
    }

    /// 204 No Content, which tells an `EventSource` not to come back
    /// ([WHATWG HTML, 9.2.3](https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model)).
    pub fn stop() -> Self {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
        Self::response(response)
    }

    /// Names all events of the stream that have data and no name of their own.
    ///
    /// A name that can't be sent is logged and left out; [`try_event`](Self::try_event) tells at
    /// once. Frames are encoded already and stay as they are.
    pub fn event<T>(mut self, event: T) -> Self
    where
        T: AsRef<str>,
    {
        match EventName::new(event) {
            Ok(name) => self.options.name = Some(name),
            Err(error) => tracing::error!(%error, "a stream's event name can't be sent"),
        }
        self
    }

    /// Names all events of the stream that have data and no name of their own, or tells why it
    /// can't.
    ///
    /// # Errors
    ///
    /// [`InvalidField`](crate::InvalidField) for a CR or LF in the name.
    pub fn try_event<T>(mut self, event: T) -> Result<Self, crate::InvalidField>
    where
        T: AsRef<str>,
    {
        self.options.name = Some(EventName::new(event)?);
        Ok(self)
    }

    /// How this stream is kept alive.
    pub fn keep_alive(mut self, keep_alive: KeepAlive) -> Self {
        self.options.keep_alive = Some(Heartbeat::new(keep_alive).map(Arc::new));
        self
    }

    /// Sends no heartbeats into this stream, whatever the layer does.
    pub fn no_keep_alive(mut self) -> Self {
        self.options.keep_alive = Some(None);
        self
    }

    /// How long a client waits before it reconnects, told with the first bytes.
    pub fn retry(mut self, retry: Duration) -> Self {
        self.options.retry = Some(retry);
        self
    }

    /// What becomes of the stream when it answers an error, or an event can't be written.
    pub fn on_error(mut self, on_error: OnError) -> Self {
        self.options.on_error = Some(on_error);
        self
    }

    /// Ends the stream after this time, shortened at random by up to a fifth, so that streams
    /// opened together don't end together. Clients reconnect with their `Last-Event-ID`.
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.options.max_lifetime = Some(lifetime);
        self
    }

    /// Marks a stream that ends by itself, such as an answer's tokens: a [drain](crate::Drain)
    /// lets it go on to its end, at most to the drain's deadline.
    pub fn finite(mut self) -> Self {
        self.options.finite = true;
        self
    }

    /// Ends the stream when the future is done, such as at a logout or when a token expires.
    pub fn until<F>(self, end: F) -> Sse<Until<S, F>>
    where
        F: Future,
    {
        self.map_stream(|stream| Until::new(stream, end))
    }

    /// Sets a header of the response; `set-cookie` is added to those already there.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        let headers = match &mut self.content {
            Content::Stream(_) => &mut self.options.headers,
            Content::Response(response) => response.headers_mut(),
        };
        if name == SET_COOKIE {
            headers.append(name, value);
        } else {
            headers.insert(name, value);
        }
        self
    }

    /// Adds a cookie, in the form of a `set-cookie` header.
    pub fn cookie(self, cookie: HeaderValue) -> Self {
        self.header(SET_COOKIE, cookie)
    }

    /// Puts the stream into a box, so that routes whose branches stream different things have one
    /// type.
    pub fn boxed(self) -> Sse<BoxEventStream>
    where
        S: EventStream + Send + 'static,
    {
        self.map_stream(BoxEventStream::new)
    }

    /// Puts a stream that need not be `Send` into a box.
    pub fn boxed_local(self) -> Sse<LocalBoxEventStream>
    where
        S: EventStream + 'static,
    {
        self.map_stream(LocalBoxEventStream::new)
    }

    fn map_stream<T>(self, map: impl FnOnce(S) -> T) -> Sse<T> {
        Sse {
            content: match self.content {
                Content::Stream(stream) => Content::Stream(map(stream)),
                Content::Response(response) => Content::Response(response),
            },
            options: self.options,
        }
    }

    /// The response without a layer: no limit, no drain, heartbeats only if asked for.
    pub fn into_http_response(self) -> Response<SseBody<S>> {
        let stream = match self.content {
            Content::Stream(stream) => stream,
            Content::Response(response) => return response.map(SseBody::full),
        };
        let options = self.options;
        let marks = options.marks();
        let guard = Guard {
            // Bare, since the layer that may follow knows what its clients bear, and this doesn't.
            opening: Some(opening(options.retry, true)),
            on_error: options.on_error.unwrap_or_default(),
            observed: Observed::default(),
            watch: Watch::new(
                options.keep_alive.flatten(),
                options.max_lifetime,
                None,
                None,
            ),
        };
        let mut response = Response::new(SseBody::stream(stream, options.name, guard));
        *response.headers_mut() = options.headers;
        headers::render(response.headers_mut());
        response.extensions_mut().insert(marks);
        response
    }
}

#[cfg(feature = "json")]
impl<S> Sse<Typed<S, ()>> {
    /// A stream of values, each sent as one line of JSON.
    pub fn json(values: S) -> Sse<Typed<S, Json<S::Item>>>
    where
        S: futures_core::Stream,
        S::Item: serde::Serialize,
    {
        Sse::new(Typed::new(values))
    }

    /// A stream of an enum's values, each sent with its variant as the name: see
    /// [`Tagged`].
    pub fn tagged(values: S) -> Sse<Typed<S, Tagged<S::Item>>>
    where
        S: futures_core::Stream,
        S::Item: serde::Serialize,
    {
        Sse::new(Typed::new(values))
    }
}

impl<S> Sse<Typed<S, ()>> {
    /// A stream of texts, each sent as it is.
    pub fn text(texts: S) -> Sse<Typed<S, S::Item>>
    where
        S: futures_core::Stream,
        S::Item: AsRef<str>,
    {
        Sse::new(Typed::new(texts))
    }
}

impl<S> Sse<TryTyped<S, ()>> {
    /// A stream of texts or errors; the texts are sent as they are.
    pub fn try_text<T, E>(texts: S) -> Sse<TryTyped<S, T>>
    where
        S: futures_core::Stream<Item = Result<T, E>>,
        T: AsRef<str>,
    {
        Sse::new(TryTyped::new(texts))
    }
}

#[cfg(feature = "json")]
impl<S> Sse<TryTyped<S, ()>> {
    /// A stream of values or errors; each value is sent as one line of JSON.
    pub fn try_json<T, E>(values: S) -> Sse<TryTyped<S, Json<T>>>
    where
        S: futures_core::Stream<Item = Result<T, E>>,
        T: serde::Serialize,
    {
        Sse::new(TryTyped::new(values))
    }

    /// A stream of an enum's values or errors: see [`Tagged`].
    pub fn try_tagged<T, E>(values: S) -> Sse<TryTyped<S, Tagged<T>>>
    where
        S: futures_core::Stream<Item = Result<T, E>>,
        T: serde::Serialize,
    {
        Sse::new(TryTyped::new(values))
    }
}

impl<S> fmt::Debug for Sse<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Sse");
        match &self.content {
            Content::Stream(_) => {
                debug.field("stream", &format_args!("{}", std::any::type_name::<S>()))
            }
            Content::Response(response) => debug.field("response", &response.status()),
        };
        debug.finish_non_exhaustive()
    }
}

impl Options {
    /// What a layer further out is to leave alone.
    pub(crate) fn marks(&self) -> Marks {
        Marks {
            keep_alive: self.keep_alive.is_some(),
            max_lifetime: self.max_lifetime.is_some(),
            on_error: self.on_error.is_some(),
            finite: self.finite,
            observed: ObservedWithin::default(),
        }
    }

    pub(crate) fn into_parts(self) -> (Wishes, Option<EventName>, HeaderMap) {
        let wishes = Wishes {
            heartbeat: Wish::of(self.keep_alive),
            opening: OpeningWish::Wanted,
            retry: self.retry,
            max_lifetime: Wish::of(self.max_lifetime.map(Some)),
            on_error: Wish::of(self.on_error),
            finite: self.finite,
            observed: ObservedWithin::default(),
        };
        (wishes, self.name, self.headers)
    }
}
