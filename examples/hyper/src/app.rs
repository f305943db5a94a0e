//! All routes, behind one layer.

use std::{convert::Infallible, io, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    request::Parts,
};
use jiff::Timestamp;
use sse_layer::{
    BoxEventStream, ConnectionLimit, Drain, KeepAlive, LastEventId, Sse, SseBody, SseLayer,
};
use tower::{Layer as _, Service, service_fn};

use crate::{
    clock::Clock,
    logs::{self, Bounds, Command, Log, Running},
    page, stats, time,
};

/// How long clients wait before they reconnect.
const RETRY: Duration = Duration::from_secs(2);

/// What the app is set to.
#[derive(Clone, Debug)]
pub struct Config {
    /// The silence after which a stream gets a heartbeat. Zero sends none.
    pub heartbeat: Duration,
    /// How many streams may be open at a time.
    pub max_connections: usize,
    /// Whose output `/sse/logs` streams.
    pub command: Command,
    /// How much of that output is kept for clients that come late.
    pub kept: Bounds,
    /// What the clock shows at the start.
    pub now: Timestamp,
    /// Ends all streams when the server shuts down.
    pub drain: Drain,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(15),
            max_connections: 1000,
            command: Command::default(),
            kept: Bounds::default(),
            now: Timestamp::now(),
            drain: Drain::new(),
        }
    }
}

/// What all requests share, and the child process that runs meanwhile.
#[derive(Clone, Debug)]
pub struct App {
    clock: Clock,
    log: Log,
    limit: ConnectionLimit,
    layer: SseLayer,
}

impl App {
    /// Runs the command, whose output is kept from its first line on.
    ///
    /// The command ends with [`Running::stop`], and when that handle is dropped.
    ///
    /// # Errors
    ///
    /// If the command can't be run.
    pub fn start(config: Config) -> io::Result<(Self, Running)> {
        let log = Log::new(config.kept);
        let running = Running::start(config.command, log.clone())?;
        let limit = ConnectionLimit::new(config.max_connections).when(asks_for_stream);
        let layer = SseLayer::new()
            .keep_alive(KeepAlive::new().interval(config.heartbeat))
            .retry(RETRY)
            .limit(limit.clone())
            .drain(config.drain);
        let app = Self {
            clock: Clock::starting_at(config.now),
            log,
            limit,
            layer,
        };
        Ok((app, running))
    }

    /// The whole app as a service, for requests with any body: nothing here reads one.
    pub fn service<B>(
        &self,
    ) -> impl Service<
        Request<B>,
        Response = Response<SseBody<BoxEventStream>>,
        Error = Infallible,
        Future: Send,
    > + Clone
    + Send
    + use<B>
    where
        B: Send + 'static,
    {
        let app = self.clone();
        self.layer.layer(service_fn(move |request: Request<B>| {
            answer(app.clone(), request.map(drop))
        }))
    }
}

/// By the path, and not by what is accepted: nobody is refused the stats.
fn asks_for_stream(request: &Parts) -> bool {
    request.method == Method::GET && matches!(request.uri.path(), "/sse/time" | "/sse/logs")
}

async fn answer(app: App, request: Request<()>) -> Result<Sse<BoxEventStream>, Infallible> {
    let is_head = request.method() == Method::HEAD;
    Ok(match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, path) => match path {
            "/" => plain(is_head, "text/html; charset=utf-8", page::INDEX)
                .header(CONTENT_SECURITY_POLICY, page::POLICY),
            "/app.js" => plain(is_head, "text/javascript; charset=utf-8", page::SCRIPT),
            "/sse/time" => time::stream(app.clock).boxed(),
            "/sse/logs" => logs::stream(app.log, &LastEventId::from_request(&request)),
            "/sse/stats" => plain(
                is_head,
                "application/json",
                stats::json(&app.limit, &app.log),
            ),
            _ => empty(StatusCode::NOT_FOUND),
        },
        (_, "/" | "/app.js" | "/sse/time" | "/sse/logs" | "/sse/stats") => {
            empty(StatusCode::METHOD_NOT_ALLOWED)
                .header(ALLOW, HeaderValue::from_static("GET, HEAD"))
        }
        _ => empty(StatusCode::NOT_FOUND),
    })
}

fn plain(
    is_head: bool,
    content_type: &'static str,
    content: impl Into<Bytes>,
) -> Sse<BoxEventStream> {
    let content = content.into();
    let length = HeaderValue::from(content.len());
    // HTTP/2 would send what HTTP/1.1 holds back.
    let sent = if is_head { Bytes::new() } else { content };
    Sse::response(Response::new(sent))
        .header(CONTENT_TYPE, HeaderValue::from_static(content_type))
        .header(CONTENT_LENGTH, length)
}

fn empty(status: StatusCode) -> Sse<BoxEventStream> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    Sse::response(response)
}
