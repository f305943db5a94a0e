//! Handlers that answer something else than a stream.

use std::{convert::Infallible, io};

use axum::{
    Router,
    response::{IntoResponse, Redirect},
    routing::get as on_get,
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use sse_layer::{Event, Sse};
use sse_testkit::get;
use tower::{Layer, ServiceExt, service_fn};

use crate::app::{Watched, first_event};

fn asking_for_a_stream() -> Request<()> {
    let request = Request::get("/").header("accept", "text/event-stream");
    request.body(()).unwrap()
}

#[derive(Clone, Debug, PartialEq)]
struct Kept(&'static str);

/// What handlers answer in a stream's place, with the headers that go with it.
fn answers() -> Vec<Response<&'static str>> {
    let answer = |status: u16, headers: &[(&str, &str)], body| {
        let mut response = Response::builder().status(status).version(Version::HTTP_11);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        response
            .extension(Kept("by the handler"))
            .body(body)
            .unwrap()
    };
    vec![
        answer(
            200,
            &[
                ("content-type", "application/json"),
                ("content-length", "2"),
            ],
            "{}",
        ),
        answer(
            200,
            &[
                ("content-type", "text/plain"),
                ("cache-control", "max-age=60"),
            ],
            "plain",
        ),
        answer(204, &[("x-why", "you are done")], ""),
        answer(
            206,
            &[("content-range", "bytes 0-3/9"), ("content-length", "4")],
            "part",
        ),
        answer(
            303,
            &[("location", "/elsewhere"), ("content-length", "0")],
            "",
        ),
        answer(
            307,
            &[
                ("location", "https://other.example/"),
                ("set-cookie", "a=1"),
                ("set-cookie", "b=2"),
            ],
            "",
        ),
        answer(304, &[("etag", "\"1\""), ("content-length", "17")], ""),
        answer(
            404,
            &[("content-type", "text/plain; charset=utf-8")],
            "no such order",
        ),
        // What failed is no stream, whatever it says of itself.
        answer(
            404,
            &[("content-type", "text/event-stream")],
            "data: lost\n\n",
        ),
        answer(
            500,
            &[
                ("content-type", "application/problem+json"),
                ("retry-after", "9"),
            ],
            "{\"title\":\"broken\"}",
        ),
    ]
}

async fn expect_as_it_was<B>(response: Response<B>, was: Response<&'static str>)
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let (parts, body) = response.into_parts();
    assert_eq!(parts.status, was.status());
    assert_eq!(parts.version, was.version());
    assert_eq!(&parts.headers, was.headers(), "{}", was.status());
    assert_eq!(parts.extensions.get(), was.extensions().get::<Kept>());
    let text = *was.body();
    assert_eq!(body.size_hint().exact(), Some(text.len() as u64));
    assert_eq!(body.is_end_stream(), text.is_empty());
    assert_eq!(body.collect().await.unwrap().to_bytes(), text);
}

#[tokio::test]
async fn a_response_that_is_no_stream_passes_byte_for_byte() {
    for was in answers() {
        let watched = Watched::new(1);
        let answer = was.clone().map(|text| Full::new(Bytes::from(text)));
        let service = watched.layer().layer(service_fn(async |_: Request<()>| {
            Ok::<_, Infallible>(answer.clone())
        }));
        let response = service.oneshot(asking_for_a_stream()).await.unwrap();
        // Given back with the head, before anybody reads the body.
        watched.expect_all_given_back(1);
        expect_as_it_was(response, was).await;
    }
}

#[tokio::test]
async fn an_sse_that_is_a_response_passes_byte_for_byte() {
    for was in answers() {
        let watched = Watched::new(1);
        let answer = was.clone().map(Bytes::from);
        let service = watched.layer().layer(service_fn(async |_: Request<()>| {
            Ok::<_, Infallible>(Sse::<stream::Empty<Event>>::response(answer.clone()))
        }));
        let response = service.oneshot(asking_for_a_stream()).await.unwrap();
        watched.expect_all_given_back(1);
        expect_as_it_was(response, was).await;
    }
}

#[tokio::test]
async fn a_handlers_error_passes_and_its_permit_is_given_back() {
    let watched = Watched::new(1);
    let service = watched.layer().layer(service_fn(async |_: Request<()>| {
        Err::<Sse<stream::Empty<Event>>, _>(io::Error::other("no such table"))
    }));
    let error = service.oneshot(asking_for_a_stream()).await.unwrap_err();
    assert_eq!(error.to_string(), "no such table");
    watched.expect_all_given_back(1);
}

type Streaming = Sse<std::pin::Pin<Box<dyn Stream<Item = Event> + Send>>>;

fn streaming() -> Streaming {
    Sse::new(Box::pin(first_event()))
}

/// The same in axum: a stream where there is one, and what stands in its place where not.
fn routes() -> Router {
    async fn status(is_there: bool) -> Result<Streaming, StatusCode> {
        is_there.then(streaming).ok_or(StatusCode::NOT_FOUND)
    }
    async fn page(is_there: bool) -> Result<Streaming, (StatusCode, &'static str)> {
        is_there
            .then(streaming)
            .ok_or((StatusCode::GONE, "sold out"))
    }
    async fn redirect(is_there: bool) -> Result<Streaming, Redirect> {
        is_there
            .then(streaming)
            .ok_or(Redirect::temporary("/elsewhere"))
    }
    async fn response(is_there: bool) -> Result<Streaming, axum::response::Response> {
        is_there
            .then(streaming)
            .ok_or_else(|| (StatusCode::CONFLICT, [("etag", "\"7\"")], "changed").into_response())
    }
    async fn stop(is_there: bool) -> Streaming {
        if is_there { streaming() } else { Sse::stop() }
    }
    Router::new()
        .route("/status", on_get(|| status(false)))
        .route("/status/there", on_get(|| status(true)))
        .route("/page", on_get(|| page(false)))
        .route("/page/there", on_get(|| page(true)))
        .route("/redirect", on_get(|| redirect(false)))
        .route("/redirect/there", on_get(|| redirect(true)))
        .route("/response", on_get(|| response(false)))
        .route("/response/there", on_get(|| response(true)))
        .route("/stop", on_get(|| stop(false)))
        .route("/stop/there", on_get(|| stop(true)))
}

#[tokio::test]
async fn in_axum_a_handler_answers_a_stream_or_whatever_else_it_has() {
    let watched = Watched::new(1);
    let app = routes().layer(watched.layer());
    for (path, status, body) in [
        ("/status", 404, ""),
        ("/page", 410, "sold out"),
        ("/redirect", 307, ""),
        ("/response", 409, "changed"),
        ("/stop", 204, ""),
    ] {
        let bare = get(routes(), path).await;
        let mut plain = get(app.clone(), path).await;
        plain.expect_status(status);
        assert_eq!(plain.headers(), bare.headers(), "{path}");
        assert_eq!(plain.body_text().await, body);
        watched.expect_all_given_back(1);

        let mut sse = get(app.clone(), format!("{path}/there")).await;
        sse.expect_message().text("first").await;
        sse.expect_heartbeat().await;
        assert_eq!(watched.limit.current(), 1);
    }
}

#[tokio::test]
async fn an_event_source_follows_a_redirect_to_its_stream() {
    let watched = Watched::new(1);
    let app = Router::new()
        .route("/old", on_get(async || Redirect::permanent("/new")))
        .route("/new", on_get(async || streaming()))
        .layer(watched.layer());
    let moved = get(app.clone(), "/old").await;
    moved.expect_status(308).expect_header("location", "/new");
    // The first request's permit does not stand in the way of the second.
    let mut sse = get(app, moved.headers()["location"].to_str().unwrap()).await;
    sse.expect_message().text("first").await;
}
