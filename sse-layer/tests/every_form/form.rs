//! The forms in which a handler may stream, each serving the same streams.

use std::{convert::Infallible, io, pin::Pin, time::Duration};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::{Stream, StreamExt};
use http::{Request, StatusCode, Uri};
use sse_layer::{BoxEventStream, Event, OnError, Sse, SseLayer};
use tower::{Layer, Service, ServiceExt, service_fn, util::BoxCloneService};

/// Data of the events that a handler streams.
pub(crate) type Texts = Pin<Box<dyn Stream<Item = io::Result<&'static str>> + Send>>;
pub(crate) type App = BoxCloneService<Request<sse_testkit::Body>, Response, Infallible>;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    AroundSse,
    RouterOverSse,
    RouterOverAxumSse,
    AroundResponse,
}

pub(crate) const NOT_A_STREAM: &str = "no stream here";

impl Form {
    /// `/` streams what `texts` makes, `/plain` answers 404. Where the form is ours, `/finite`
    /// streams the same marked as finite, `/own` with settings of its own, and `/broken` with ids
    /// that can't be sent.
    pub(crate) fn app<F>(self, layer: &SseLayer, texts: F) -> App
    where
        F: Fn() -> Texts + Clone + Send + Sync + 'static,
    {
        self.app_in(&[layer], texts)
    }

    /// Layers from the inside to the outside.
    pub(crate) fn app_in<F>(self, layers: &[&SseLayer], texts: F) -> App
    where
        F: Fn() -> Texts + Clone + Send + Sync + 'static,
    {
        match self {
            Self::AroundSse => {
                let [innermost, outer @ ..] = layers else {
                    panic!("no layer");
                };
                let service = innermost.layer(service_fn(move |request: Request<_>| {
                    let answer = our_sse(request.uri().path(), &texts);
                    async { Ok::<_, Infallible>(answer) }
                }));
                wrapped(service, outer)
            }
            Self::AroundResponse => wrapped(
                service_fn(move |request: Request<_>| {
                    let answer = hand_written(request.uri().path(), &texts);
                    async { Ok::<_, Infallible>(answer) }
                }),
                layers,
            ),
            Self::RouterOverSse => {
                let handler =
                    get(async move |uri: Uri| our_sse(uri.path(), &texts).into_response());
                layered(
                    Router::new()
                        .route("/{*rest}", handler.clone())
                        .route("/", handler),
                    layers,
                )
            }
            Self::RouterOverAxumSse => {
                let router = Router::new()
                    .route("/", get(async move || axums_sse(&texts)))
                    .route(
                        "/plain",
                        get(async || (StatusCode::NOT_FOUND, NOT_A_STREAM)),
                    );
                layered(router, layers)
            }
        }
    }
}

fn our_sse(path: &str, texts: &impl Fn() -> Texts) -> Sse<BoxEventStream> {
    let id = if path == "/broken" { "a\nb" } else { "" };
    let sse = Sse::new(texts().map(move |text| text.map(|text| Event::text(text).id(id))));
    let sse = match path {
        "/plain" => {
            let mut response = http::Response::new(NOT_A_STREAM.into());
            *response.status_mut() = StatusCode::NOT_FOUND;
            Sse::response(response)
        }
        "/finite" => sse.finite(),
        "/own" => sse
            .no_keep_alive()
            .retry(Duration::from_secs(1))
            .on_error(OnError::abort())
            .max_lifetime(Duration::from_secs(3600)),
        _ => sse,
    };
    sse.boxed()
}

fn axums_sse(texts: &impl Fn() -> Texts) -> Response {
    use axum::response::sse::{Event, Sse};
    Sse::new(texts().map(|text| text.map(|text| Event::default().data(text)))).into_response()
}

fn hand_written(path: &str, texts: &impl Fn() -> Texts) -> Response {
    if path == "/plain" {
        return (StatusCode::NOT_FOUND, NOT_A_STREAM).into_response();
    }
    let body = texts().map(|text| text.map(|text| format!("data: {text}\r\n\r\n")));
    let headers = [("content-type", "Text/Event-Stream; charset=utf-8")];
    (headers, Body::from_stream(body)).into_response()
}

fn layered(mut router: Router, layers: &[&SseLayer]) -> App {
    for &layer in layers {
        router = router.layer(layer.clone());
    }
    BoxCloneService::new(ServiceExt::<Request<sse_testkit::Body>>::map_response(
        router,
        |response| response,
    ))
}

fn wrapped<S, B>(service: S, layers: &[&SseLayer]) -> App
where
    S: Service<Request<sse_testkit::Body>, Response = http::Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    let mut app = BoxCloneService::new(service.map_response(|response| response.map(Body::new)));
    for &layer in layers {
        let outer = layer.layer(app);
        app = BoxCloneService::new(outer.map_response(|response| response.map(Body::new)));
    }
    app
}
