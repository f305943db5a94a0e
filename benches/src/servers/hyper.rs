//! Plain hyper with a body written by hand.

use std::{convert::Infallible, io, net::TcpListener, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, service::service_fn};

use super::{
    Settings,
    broadcast::Broadcast,
    by_hand::{EventBody, encode},
    connections,
    tick::Count,
};

pub(super) async fn http1(listener: TcpListener, settings: Settings) -> io::Result<()> {
    let app = App::new(&settings);
    let service = service_fn(move |request| answer(Arc::clone(&app), request));
    connections::http1(listener, service).await
}

pub(super) async fn http2(listener: TcpListener, settings: Settings) -> io::Result<()> {
    let app = App::new(&settings);
    let service = service_fn(move |request| answer(Arc::clone(&app), request));
    connections::http2(listener, service).await
}

pub(super) async fn auto(listener: TcpListener, settings: Settings) -> io::Result<()> {
    let app = App::new(&settings);
    let service = service_fn(move |request| answer(Arc::clone(&app), request));
    connections::auto(listener, service).await
}

struct App {
    heartbeat: Duration,
    /// Events as they are sent, each written once.
    live: Broadcast<Bytes>,
}

impl App {
    fn new(settings: &Settings) -> Arc<Self> {
        Arc::new(Self {
            heartbeat: settings.heartbeat,
            live: Broadcast::new(),
        })
    }
}

async fn answer(
    app: Arc<App>,
    request: Request<Incoming>,
) -> Result<Response<EventBody>, Infallible> {
    Ok(match (request.method(), request.uri().path()) {
        (&Method::GET, "/idle") => stream(EventBody::idle(app.heartbeat)),
        (&Method::GET, "/tick") => match Count::parse(request.uri().query()) {
            Some(count) => stream(EventBody::ticks(count)),
            None => empty(StatusCode::BAD_REQUEST),
        },
        (&Method::GET, "/live") => stream(EventBody::live(app.heartbeat, &app.live)),
        (&Method::POST, "/publish") => empty(publish(&app.live, request).await),
        _ => empty(StatusCode::NOT_FOUND),
    })
}

async fn publish(live: &Broadcast<Bytes>, request: Request<Incoming>) -> StatusCode {
    let Ok(body) = request.into_body().collect().await else {
        return StatusCode::BAD_REQUEST;
    };
    let Ok(text) = String::from_utf8(body.to_bytes().into()) else {
        return StatusCode::BAD_REQUEST;
    };
    live.publish(encode(&text));
    StatusCode::NO_CONTENT
}

fn stream(body: EventBody) -> Response<EventBody> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn empty(status: StatusCode) -> Response<EventBody> {
    let mut response = Response::new(EventBody::empty());
    *response.status_mut() = status;
    response
}
