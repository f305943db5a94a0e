//! A stack as servers have it, all of it at once.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use axum::{Json, Router, body::Body, routing::get as on_get};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http::{
    HeaderValue, Method, Request, Response,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName},
};
use http_body_util::BodyExt;
use sse_layer::{Event, Sse};
use sse_testkit::get;
use tokio::time::timeout;
use tower::{Layer, ServiceBuilder, ServiceExt};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, predicate::SizeAbove},
    cors::CorsLayer,
    map_response_body::MapResponseBodyLayer,
    normalize_path::{NormalizePath, NormalizePathLayer},
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    set_header::SetResponseHeaderLayer,
    trace::TraceLayer,
};

use crate::app::{Watched, secs};

const ORIGIN: HeaderValue = HeaderValue::from_static("https://app.example");
const SERVER: HeaderName = HeaderName::from_static("server");

#[derive(Clone, Default)]
struct Numbered(Arc<AtomicUsize>);

impl MakeRequestId for Numbered {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        let number = self.0.fetch_add(1, Relaxed);
        Some(RequestId::new(number.into()))
    }
}

/// Everything between the connection and the routes.
fn stacked(watched: &Watched) -> NormalizePath<Router> {
    let routes = watched
        .routes()
        .route("/json", on_get(async || Json(vec!["compress me"; 100])))
        .route("/panic", on_get(panics));
    let stack = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(Numbered::default()))
        .layer(TraceLayer::new_for_http())
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetResponseHeaderLayer::if_not_present(
            SERVER,
            HeaderValue::from_static("test"),
        ))
        .layer(CorsLayer::new().allow_origin([ORIGIN]))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::new())
        .layer(MapResponseBodyLayer::new(Body::new))
        .layer(watched.layer());
    NormalizePathLayer::trim_trailing_slash().layer(routes.layer(stack))
}

async fn panics() -> Sse<stream::Pending<Event>> {
    panic!("of the handler's own")
}

#[tokio::test]
async fn a_stream_passes_a_whole_stack_and_every_layer_has_done_its_part() {
    let watched = Watched::new(1);
    let mut sse = get(stacked(&watched), "/slow///?x=1")
        .header("origin", "https://app.example")
        .header("accept-encoding", "gzip")
        .await;
    sse.expect_status(200)
        .expect_header("content-type", "text/event-stream")
        .expect_header("cache-control", "no-cache, no-transform")
        .expect_header("x-accel-buffering", "no")
        .expect_header("x-request-id", "0")
        .expect_header("server", "test")
        .expect_header("access-control-allow-origin", "https://app.example")
        .expect_no_header("content-encoding")
        .expect_no_header("content-length");
    sse.expect_message().text("first").await;
    for beat in 1..=3 {
        sse.expect_heartbeat().await;
        assert_eq!(sse.elapsed(), secs(10 + beat * 15));
    }
    assert_eq!((watched.limit.current(), watched.drain.open()), (1, 1));
    watched.drain.begin();
    sse.expect_end().await;
    watched.expect_all_given_back(1);
}

#[tokio::test]
async fn what_is_no_stream_passes_the_same_stack_as_ever() {
    let watched = Watched::new(1);
    let app = stacked(&watched);
    let json = get(app.clone(), "/json/")
        .header("accept-encoding", "gzip")
        .await;
    json.expect_status(200)
        .expect_header("content-encoding", "gzip")
        .expect_header("x-request-id", "0")
        .expect_no_header("x-accel-buffering");
    let preflight = get(app, "/")
        .method(Method::OPTIONS)
        .header("origin", "https://app.example")
        .header("access-control-request-method", "GET")
        .await;
    preflight
        .expect_status(200)
        .expect_header("access-control-allow-origin", "https://app.example");
    watched.expect_all_given_back(1);
}

#[tokio::test]
async fn a_refusal_carries_what_the_stack_adds_too() {
    let watched = Watched::new(0);
    let refused = get(stacked(&watched), "/")
        .header("origin", "https://app.example")
        .await;
    refused
        .expect_status(429)
        .expect_header("retry-after", "5")
        .expect_header("x-request-id", "0")
        .expect_header("access-control-allow-origin", "https://app.example");
    assert_eq!(watched.calls(), 0);
}

#[tokio::test]
async fn what_a_layer_inside_adds_is_not_on_a_refusal() {
    let watched = Watched::new(1);
    let cors = CorsLayer::new().allow_origin([ORIGIN]);
    let app = watched.routes().layer(cors).layer(watched.layer());
    let ask = || get(app.clone(), "/").header("origin", "https://app.example");
    let let_in = ask().await;
    let_in.expect_header("access-control-allow-origin", "https://app.example");
    let refused = ask().await;
    refused
        .expect_status(429)
        .expect_no_header("access-control-allow-origin");
}

#[tokio::test]
async fn a_handler_that_panics_is_answered_500_and_its_permit_given_back() {
    let watched = Watched::new(1);
    let inside = Router::new()
        .route("/panic", on_get(panics))
        .layer(CatchPanicLayer::new())
        .layer(watched.layer());
    get(inside, "/panic").await.expect_status(500);
    watched.expect_all_given_back(1);

    let app = stacked(&watched);
    let panicked = get(app.clone(), "/panic").await;
    panicked
        .expect_status(500)
        .expect_header("x-request-id", "0");
    watched.expect_all_given_back(1);
    get(app, "/").await.expect_status(200);
}

#[tokio::test]
async fn a_stream_that_panics_is_caught_by_no_layer_and_gives_its_permit_back() {
    let watched = Watched::new(1);
    let panics = stream::poll_fn(|_| -> std::task::Poll<Option<Event>> { panic!("mid-stream") });
    let mut panics = Some(panics);
    let service = ServiceBuilder::new()
        .layer(CatchPanicLayer::new())
        .layer(watched.layer())
        .service_fn(move |_: Request<()>| {
            let sse = Sse::new(panics.take().unwrap());
            async { Ok::<_, Infallible>(sse) }
        });
    let response = service.oneshot(Request::new(())).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), watched.limit.current()),
        (200, 1)
    );
    let connection = tokio::spawn(response.into_body().collect());
    assert!(connection.await.unwrap_err().is_panic());
    watched.expect_all_given_back(1);
}

#[tokio::test]
async fn a_header_that_is_set_inside_or_around_wins_over_ours() {
    let no_store = HeaderValue::from_static("no-store");
    for is_around in [true, false] {
        let watched = Watched::new(1);
        let set = SetResponseHeaderLayer::overriding(CACHE_CONTROL, no_store.clone());
        let app = if is_around {
            watched.routes().layer(watched.layer()).layer(set)
        } else {
            watched.routes().layer(set).layer(watched.layer())
        };
        let sse = get(app, "/").await;
        sse.expect_header("cache-control", "no-store")
            .expect_header("x-accel-buffering", "no");
    }
    // Our `Sse` has both headers before the layer sees them.
    let watched = Watched::new(1);
    let set = SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, no_store);
    let sse = get(watched.routes().layer(set).layer(watched.layer()), "/").await;
    sse.expect_header("cache-control", "no-cache, no-transform");
}

/// What the body has to say in this time.
async fn all_within_an_hour(response: Response<Body>) -> Bytes {
    let (mut body, mut said) = (response.into_body(), BytesMut::new());
    let read = async {
        while let Some(frame) = body.frame().await {
            said.extend_from_slice(frame.unwrap().data_ref().unwrap());
        }
    };
    assert!(timeout(secs(3600), read).await.is_err());
    said.freeze()
}

#[tokio::test(start_paused = true)]
async fn a_content_type_that_is_taken_away_inside_makes_it_no_stream_to_the_layer() {
    let watched = Watched::new(1);
    let octets = HeaderValue::from_static("application/octet-stream");
    let set = SetResponseHeaderLayer::overriding(CONTENT_TYPE, octets);
    let app = watched.routes().layer(set).layer(watched.layer());
    let request = Request::get("/").header("accept", "text/event-stream");
    let response = app
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    watched.expect_all_given_back(1);
    assert_eq!(all_within_an_hour(response).await, ":\ndata: first\n\n");
}

#[tokio::test(start_paused = true)]
async fn compression_that_takes_streams_too_leaves_no_place_for_heartbeats() {
    let always = CompressionLayer::new().compress_when(SizeAbove::new(0));
    let watched = Watched::new(1);
    // Of axum's own, which nobody has opened yet.
    let handler = async || {
        let first = axum::response::sse::Event::default().data("first");
        let first = stream::iter([Ok::<_, Infallible>(first)]);
        axum::response::sse::Sse::new(first.chain(stream::pending()))
    };
    let app = Router::new()
        .route("/", on_get(handler))
        .layer(always)
        .layer(watched.layer());
    let request = Request::get("/")
        .header("accept-encoding", "gzip")
        .body(Body::empty())
        .unwrap();
    let response: Response<Body> = app.oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert_eq!(watched.limit.current(), 1);
    // It is guarded as any other stream, but nothing can be put into it.
    let compressed = all_within_an_hour(response).await;
    assert_eq!(compressed[..2], [0x1f, 0x8b]);
    assert!(!compressed.ends_with(b":\n\n"));
}
