//! sse-layer on plain hyper.

use std::{convert::Infallible, io, net::TcpListener};

use ::sse_layer::{BoxEventStream, Event, LastEventId, Sse, SseBody};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::service::TowerToHyperService;
use tower::{Layer as _, Service, service_fn};

use super::{Settings, connections, ours::Ours, tick::Count};

pub(super) async fn http1(listener: TcpListener, settings: Settings) -> io::Result<()> {
    connections::http1(listener, TowerToHyperService::new(service(&settings))).await
}

pub(super) async fn http2(listener: TcpListener, settings: Settings) -> io::Result<()> {
    connections::http2(listener, TowerToHyperService::new(service(&settings))).await
}

fn service(
    settings: &Settings,
) -> impl Service<
    Request<Incoming>,
    Response = Response<SseBody<BoxEventStream>>,
    Error = Infallible,
    Future: Send,
> + Clone
+ Send
+ use<> {
    let ours = Ours::new();
    let layer = ours.layer(settings);
    layer.layer(service_fn(move |request| answer(ours.clone(), request)))
}

async fn answer(ours: Ours, request: Request<Incoming>) -> Result<Sse<BoxEventStream>, Infallible> {
    Ok(match (request.method(), request.uri().path()) {
        (&Method::GET, "/idle") => Sse::new(stream::pending::<Event>()).boxed(),
        (&Method::GET, "/tick") => match Count::parse(request.uri().query()) {
            Some(count) => Sse::json(stream::iter(count.ticks())).boxed(),
            None => empty(StatusCode::BAD_REQUEST),
        },
        (&Method::GET, "/live") => match ours.live(LastEventId::from_request(&request)) {
            Ok(live) => Sse::new(live).boxed(),
            Err(_) => empty(StatusCode::SERVICE_UNAVAILABLE),
        },
        (&Method::POST, "/publish") => empty(publish(&ours, request).await),
        (&Method::GET, "/stats") => match serde_json::to_vec(&ours.stats()) {
            Ok(json) => Sse::response(Response::new(json.into()))
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json")),
            Err(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
        },
        _ => empty(StatusCode::NOT_FOUND),
    })
}

async fn publish(ours: &Ours, request: Request<Incoming>) -> StatusCode {
    let Ok(body) = request.into_body().collect().await else {
        return StatusCode::BAD_REQUEST;
    };
    match String::from_utf8(body.to_bytes().into()) {
        Ok(text) => ours.publish(text).await,
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

fn empty(status: StatusCode) -> Sse<BoxEventStream> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    Sse::response(response)
}
