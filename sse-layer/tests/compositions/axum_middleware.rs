//! Middlewares and extractors of axum around a handler that streams.

use std::time::Duration;

use axum::{
    Extension, Router,
    body::to_bytes,
    extract::{Path, Query, Request, State},
    middleware::{Next, from_fn, from_fn_with_state, map_request, map_response},
    response::Response,
    routing::get as on_get,
};
use futures_util::{Stream, stream};
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use sse_layer::{Event, LastEventId, Sse};
use sse_testkit::get;
use tokio::time::timeout;
use tower::ServiceExt;

use crate::app::{Watched, secs};

async fn mark(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert("x-marked", HeaderValue::from_static("yes"));
    response
}

#[tokio::test]
async fn a_response_can_be_mapped_around_the_layer_and_inside_of_it() {
    let watched = Watched::new(2);
    let around = watched
        .routes()
        .layer(watched.layer())
        .layer(map_response(mark));
    let inside = watched
        .routes()
        .layer(map_response(mark))
        .layer(watched.layer());
    let mut streams = Vec::new();
    for app in [around, inside] {
        let mut sse = get(app, "/").await;
        sse.expect_header("x-marked", "yes");
        sse.expect_message().text("first").await;
        sse.expect_heartbeat().await;
        streams.push(sse);
    }
    assert_eq!((watched.limit.current(), watched.drain.open()), (2, 2));
}

#[tokio::test]
async fn a_middleware_reads_headers_and_what_came_last_inside_of_the_layer() {
    #[derive(Clone)]
    struct Seen(String);

    async fn look(headers: HeaderMap, mut request: Request, next: Next) -> Response {
        let tenant = headers["x-tenant"].to_str().unwrap().to_owned();
        let last = request.extensions().get::<LastEventId>();
        let last = last.and_then(LastEventId::as_str).unwrap_or("nothing");
        let seen = format!("{tenant} after {last}");
        request.extensions_mut().insert(Seen(seen));
        next.run(request).await
    }
    async fn tell(
        Extension(Seen(seen)): Extension<Seen>,
    ) -> Sse<impl Stream<Item = Event<String>>> {
        Sse::text(stream::iter([seen]))
    }

    let routes = || Router::new().route("/", on_get(tell));
    let watched = Watched::new(1);
    let inside = routes().layer(from_fn(look)).layer(watched.layer());
    let around = routes().layer(watched.layer()).layer(from_fn(look));
    for (app, seen) in [(inside, "acme after 41"), (around, "acme after nothing")] {
        let mut sse = get(app, "/")
            .header("x-tenant", "acme")
            .last_event_id("41")
            .await;
        sse.expect_message().text(seen).await;
        sse.expect_end().await;
    }
}

#[derive(Clone)]
struct Shop {
    currency: &'static str,
}

#[derive(Deserialize)]
struct Since {
    since: u64,
}

async fn prices(
    State(shop): State<Shop>,
    Extension(tenant): Extension<&'static str>,
    Path(symbol): Path<String>,
    Query(Since { since }): Query<Since>,
    last: LastEventId,
) -> Sse<impl Stream<Item = Event<String>>> {
    let Shop { currency } = shop;
    let last = last.as_str().unwrap_or("-");
    Sse::text(stream::iter([format!(
        "{tenant} {symbol} {currency} {since} {last}"
    )]))
}

fn shop(watched: &Watched) -> Router {
    Router::new()
        .route("/prices/{symbol}", on_get(prices))
        .layer(watched.layer())
        .layer(Extension("acme"))
        .with_state(Shop { currency: "EUR" })
}

#[tokio::test]
async fn a_handler_behind_the_layer_takes_every_extractor() {
    let app = shop(&Watched::new(1));
    let mut sse = get(app, "/prices/XYZ?since=7").last_event_id("41").await;
    sse.expect_message().text("acme XYZ EUR 7 41").await;
    sse.expect_end().await;
}

#[tokio::test]
async fn a_rejected_query_is_answered_as_without_the_layer() {
    let watched = Watched::new(1);
    let bare = Router::new()
        .route("/prices/{symbol}", on_get(prices))
        .layer(Extension("acme"))
        .with_state(Shop { currency: "EUR" });
    for path in ["/prices/XYZ", "/prices/XYZ?since=yesterday"] {
        let mut without = get(bare.clone(), path).await;
        let mut rejected = get(shop(&watched), path).await;
        rejected.expect_status(400);
        assert_eq!(rejected.headers(), without.headers());
        let told = rejected.body_text().await;
        assert_eq!(told, without.body_text().await);
        assert!(told.contains("since"), "{told}");
        watched.expect_all_given_back(1);
    }
}

#[tokio::test]
async fn a_middleware_that_answers_itself_and_one_with_state_compose_with_the_layer() {
    async fn for_acme(
        State(shop): State<Shop>,
        Path(symbol): Path<String>,
        request: Request,
        next: Next,
    ) -> Result<Response, (http::StatusCode, String)> {
        if symbol == "XYZ" {
            return Ok(next.run(request).await);
        }
        let told = format!("no {symbol} in {}", shop.currency);
        Err((http::StatusCode::NOT_FOUND, told))
    }
    let watched = Watched::new(1);
    let shop = Shop { currency: "EUR" };
    let app = Router::new()
        .route("/prices/{symbol}", on_get(prices))
        .route_layer(from_fn_with_state(shop.clone(), for_acme))
        .layer(Extension("acme"))
        .layer(watched.layer())
        .with_state(shop);
    let mut unknown = get(app.clone(), "/prices/ABC?since=1").await;
    unknown.expect_status(404);
    assert_eq!(unknown.body_text().await, "no ABC in EUR");
    watched.expect_all_given_back(1);
    let mut sse = get(app, "/prices/XYZ?since=1").await;
    sse.expect_message().text("acme XYZ EUR 1 -").await;
}

#[tokio::test]
async fn a_request_can_be_made_to_ask_for_a_stream_before_the_layer_sees_it() {
    async fn accept(mut request: Request) -> Request {
        let stream = HeaderValue::from_static("text/event-stream");
        request.headers_mut().insert("accept", stream);
        request
    }
    let watched = Watched::new(0);
    let app = watched.routes().layer(watched.layer());
    let asks = |app| get(app, "/").header("accept", "*/*");
    asks(app.clone()).await.expect_status(429);
    assert_eq!(watched.calls(), 1);
    asks(app.layer(map_request(accept)))
        .await
        .expect_status(429);
    assert_eq!(watched.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_middleware_that_reads_the_whole_body_never_passes_a_stream_that_does_not_end() {
    async fn log_body(response: Response) -> Response {
        let (parts, body) = response.into_parts();
        let whole = to_bytes(body, usize::MAX).await.unwrap();
        Response::from_parts(parts, whole.into())
    }
    let watched = Watched::new(1);
    let app = watched
        .routes()
        .layer(watched.layer())
        .layer(map_response(log_body));
    let request = Request::get("/").body(axum::body::Body::empty()).unwrap();
    let response = timeout(secs(60), app.oneshot(request)).await;
    assert!(response.is_err());
    watched.expect_all_given_back(1);

    // With a lifetime there is an end, and all of it comes at once, with a length.
    let layer = watched.layer().max_lifetime(Duration::from_secs(60));
    let app = watched.routes().layer(layer).layer(map_response(log_body));
    let whole = get(app, "/").await;
    whole.expect_header("content-type", "text/event-stream");
    assert!(whole.elapsed() >= secs(48));
}
