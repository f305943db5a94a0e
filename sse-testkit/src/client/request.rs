//! The request under construction, and as it is repeated when the client reconnects.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Uri, Version};

use super::Transport;
use crate::body::content_type_of;
use crate::clock::Clock;
use crate::record::What;
use crate::recorder::Recorder;
use crate::{Body, EventStream};

/// A request that is sent when it is awaited.
///
/// Awaiting it yields an [`EventStream`], whatever happens: that the request was wrong, the service
/// failed or did not answer in time is told by the first expectation.
#[must_use = "nothing is sent until it is awaited"]
pub struct RequestBuilder {
    transport: Box<dyn Transport>,
    template: Result<Template, String>,
    real_time: bool,
    timeout: Option<Duration>,
}

/// What is sent at each connection, but for the `Last-Event-ID`.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) extensions: http::Extensions,
    pub(crate) body: Body,
    pub(crate) last_event_id: String,
}

impl RequestBuilder {
    pub(super) fn get(transport: impl Transport + 'static, uri: &str) -> Self {
        let mut this = Self::to(transport, Method::GET, uri);
        this.edit(|template| {
            let accept = HeaderValue::from_static("text/event-stream");
            template.headers.insert(ACCEPT, accept);
            Ok(())
        });
        this
    }

    pub(crate) fn to(transport: impl Transport + 'static, method: Method, uri: &str) -> Self {
        match Request::builder()
            .method(method)
            .uri(uri)
            .body(Body::empty())
        {
            Ok(request) => Self::from_request(transport, request),
            Err(error) => {
                let reason = format!("the URI {uri:?} is not valid: {error}");
                Self::new(transport, Err(reason))
            }
        }
    }

    pub(super) fn from_request(
        transport: impl Transport + 'static,
        request: Request<Body>,
    ) -> Self {
        let (mut parts, body) = request.into_parts();
        if !parts.headers.contains_key(HOST) {
            let host = match parts.uri.authority() {
                Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
                None => Some(HeaderValue::from_static("localhost")),
            };
            parts.headers.extend(host.map(|host| (HOST, host)));
        }
        let last_event_id = parts.headers.remove("last-event-id");
        let template = Template {
            method: parts.method,
            uri: parts.uri,
            version: parts.version,
            headers: parts.headers,
            extensions: parts.extensions,
            body,
            last_event_id: last_event_id
                .map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned())
                .unwrap_or_default(),
        };
        Self::new(transport, Ok(template))
    }

    fn new(transport: impl Transport + 'static, template: Result<Template, String>) -> Self {
        Self {
            transport: Box::new(transport),
            template,
            real_time: false,
            timeout: None,
        }
    }

    /// Sets a header; one that is already there is replaced.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        N::Error: fmt::Display,
        V: TryInto<HeaderValue>,
        V::Error: fmt::Display,
    {
        let header = parse_header(name, value);
        self.edit(|template| {
            let (name, value) = header?;
            if name == "last-event-id" {
                template.last_event_id = String::from_utf8_lossy(value.as_bytes()).into_owned();
            } else {
                template.headers.insert(name, value);
            }
            Ok(())
        });
        self
    }

    /// Sends this `Last-Event-ID`, as a client does that was connected before; an empty one is
    /// not sent.
    pub fn last_event_id(mut self, id: impl Into<String>) -> Self {
        self.edit(|template| {
            template.last_event_id = id.into();
            Ok(())
        });
        self
    }

    /// Makes it a `POST` with this body. Its content type is `application/json` if it is JSON,
    /// otherwise `text/plain`; a header that is set afterwards may say something else.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # use std::convert::Infallible;
    /// use http::{Request, Response};
    /// use sse_testkit::{Body, get};
    ///
    /// async fn echo(request: Request<Body>) -> Result<Response<String>, Infallible> {
    ///     let content_type = request.headers()["content-type"].to_str();
    ///     Ok(Response::new(content_type.unwrap_or_default().to_owned()))
    /// }
    ///
    /// let echo = tower::service_fn(echo);
    /// let mut json = get(echo, "/").post(r#"{"prompt":"hello"}"#).await;
    /// assert_eq!(json.body_text().await, "application/json");
    /// let mut text = get(echo, "/").post("hello").await;
    /// assert_eq!(text.body_text().await, "text/plain; charset=utf-8");
    /// # }
    /// ```
    pub fn post(self, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let content_type = content_type_of(&body);
        self.method(Method::POST)
            .header(CONTENT_TYPE, content_type)
            .body(body)
    }

    /// Sets the method.
    pub fn method(mut self, method: Method) -> Self {
        self.edit(|template| {
            template.method = method;
            Ok(())
        });
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.edit(|template| {
            template.body = body.into();
            Ok(())
        });
        self
    }

    /// Lets time run as usual instead of pausing it, also if it is paused already.
    ///
    /// For services that do I/O, run processes or otherwise wait for something other than tokio's
    /// timers: paused time jumps ahead while they wait, and each timeout is over at once.
    pub fn real_time(mut self) -> Self {
        self.real_time = true;
        self
    }

    /// Bounds each wait: for the response head, and for what each expectation is about. 60 s in
    /// paused time unless set, 5 s in real time.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends it through something around the transport.
    pub(crate) fn through(
        mut self,
        wrap: impl FnOnce(Box<dyn Transport>) -> Box<dyn Transport>,
    ) -> Self {
        self.transport = wrap(self.transport);
        self
    }

    /// Sets the time up. Where there is nothing to send, the reason is recorded.
    pub(crate) async fn start(self, protocol: &'static str) -> (Recorder, Option<Template>) {
        let real_time = self.real_time || self.transport.needs_real_time();
        let (clock, template) = match Clock::choose(real_time) {
            Ok(clock) => (clock, self.template),
            Err(reason) => (Clock::Real, Err(reason)),
        };
        let mut recorder = Recorder::start(self.transport, protocol, clock, self.timeout).await;
        let template = template.map_err(|reason| recorder.record(What::Error(reason)));
        (recorder, template.ok())
    }

    /// How to send, what to send or why that is impossible, and how long to wait for a response.
    pub(crate) fn into_parts(
        self,
    ) -> (
        Box<dyn Transport>,
        Result<Template, String>,
        Option<Duration>,
    ) {
        (self.transport, self.template, self.timeout)
    }

    pub(crate) fn edit(&mut self, edit: impl FnOnce(&mut Template) -> Result<(), String>) {
        if let Ok(template) = &mut self.template {
            if let Err(reason) = edit(template) {
                self.template = Err(reason);
            }
        }
    }
}

impl IntoFuture for RequestBuilder {
    type Output = EventStream;
    type IntoFuture = Pin<Box<dyn Future<Output = EventStream> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (recorder, template) = self.start("an event stream").await;
            EventStream::open(recorder, template).await
        })
    }
}

/// A header, or what is wrong with it.
pub(crate) fn parse_header<N, V>(name: N, value: V) -> Result<(HeaderName, HeaderValue), String>
where
    N: TryInto<HeaderName>,
    N::Error: fmt::Display,
    V: TryInto<HeaderValue>,
    V::Error: fmt::Display,
{
    match (name.try_into(), value.try_into()) {
        (Ok(name), Ok(value)) => Ok((name, value)),
        (Err(error), _) => Err(format!("the header's name is not valid: {error}")),
        (_, Err(error)) => Err(format!("the header's value is not valid: {error}")),
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder")
            .field("template", &self.template)
            .field("real_time", &self.real_time)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Template {
    /// The request, with the id unless that is empty.
    pub(crate) fn request(&self, last_event_id: &str) -> Result<Request<Body>, String> {
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.version_mut() = self.version;
        *request.headers_mut() = self.headers.clone();
        *request.extensions_mut() = self.extensions.clone();
        if !last_event_id.is_empty() {
            let value = HeaderValue::from_bytes(last_event_id.as_bytes()).map_err(|_| {
                format!("the last event id {last_event_id:?} can't be sent in a header")
            })?;
            request.headers_mut().insert("last-event-id", value);
        }
        Ok(request)
    }
}
