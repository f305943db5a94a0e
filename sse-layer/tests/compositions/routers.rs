//! Routers within routers, and where in them a layer stands.

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{get as on_get, post},
};
use futures_util::stream;
use http::{Method, StatusCode};
use sse_layer::{Event, KeepAlive, Sse, SseLayer};
use sse_testkit::get;

use crate::app::{Watched, secs};

fn beating(watched: &Watched, text: &str, interval: u64) -> SseLayer {
    let keep_alive = KeepAlive::new().interval(secs(interval)).text(text);
    watched.layer().keep_alive(keep_alive)
}

async fn silence() -> Sse<stream::Pending<Event>> {
    Sse::new(stream::pending())
}

/// `/nested/` under two layers, `/` under the outer one.
fn nested(outer: &Watched, inner: &Watched) -> Router {
    let nested = Router::new()
        .route("/", on_get(silence))
        .layer(beating(inner, "inner", 20));
    Router::new()
        .route("/", on_get(silence))
        .nest("/nested", nested)
        .layer(beating(outer, "outer", 5))
}

#[tokio::test]
async fn a_nested_stream_counts_in_both_layers_and_any_other_in_the_outer() {
    let (outer, inner) = (Watched::new(2), Watched::new(1));
    let app = nested(&outer, &inner);
    let counts = || [&outer, &inner].map(|watched| (watched.limit.current(), watched.drain.open()));

    let plain = get(app.clone(), "/").await;
    plain.expect_status(200);
    assert_eq!(counts(), [(1, 1), (0, 0)]);
    let stream = get(app.clone(), "/nested").await;
    stream.expect_status(200);
    assert_eq!(counts(), [(2, 2), (1, 1)]);

    get(app.clone(), "/").await.expect_status(429);
    assert_eq!((outer.limit.rejected(), inner.limit.rejected()), (1, 0));
    drop(plain);
    // Refused further in, a request gives back what it took further out.
    get(app.clone(), "/nested").await.expect_status(429);
    assert_eq!((outer.limit.rejected(), inner.limit.rejected()), (1, 1));
    assert_eq!(counts(), [(1, 1), (1, 1)]);
    drop(stream);
    assert_eq!(counts(), [(0, 0), (0, 0)]);
}

#[tokio::test]
async fn the_inner_heartbeat_wins_and_none_is_doubled() {
    let app = nested(&Watched::new(2), &Watched::new(2));
    let mut sse = get(app.clone(), "/nested").await;
    sse.expect_opening().await;
    for beat in 1..=3 {
        assert_eq!(sse.expect_heartbeat().await, "inner");
        assert_eq!(sse.elapsed(), secs(beat * 20));
    }
    assert_eq!(sse.raw(), b":\n: inner\n\n: inner\n\n: inner\n\n");

    let mut sse = get(app, "/").await;
    sse.expect_opening().await;
    for beat in 1..=3 {
        assert_eq!(sse.expect_heartbeat().await, "outer");
        assert_eq!(sse.elapsed(), secs(beat * 5));
    }
}

#[tokio::test]
async fn the_inner_drain_ends_nested_streams_and_the_outer_all() {
    let (outer, inner) = (Watched::new(9), Watched::new(9));
    let app = nested(&outer, &inner);
    let mut plain = get(app.clone(), "/").await;
    let mut stream = get(app.clone(), "/nested").await;
    inner.drain.begin();
    stream.expect_end().await;
    plain.expect_no_event(secs(60)).await;
    assert_eq!(outer.drain.open(), 1);
    outer.drain.begin();
    plain.expect_end().await;

    let (outer, inner) = (Watched::new(9), Watched::new(9));
    let app = nested(&outer, &inner);
    let mut streams = [get(app.clone(), "/").await, get(app, "/nested").await];
    outer.drain.begin();
    for sse in &mut streams {
        sse.expect_end().await;
    }
    drop(streams);
    assert_eq!(outer.drain.finished().await, Ok(()));
    assert_eq!(inner.drain.open(), 0);
}

#[tokio::test]
async fn a_middleware_between_that_makes_responses_anew_leaves_the_outer_layer_guarding_too() {
    async fn made_anew(request: Request, next: Next) -> Response {
        let (parts, body) = next.run(request).await.into_parts();
        (parts.status, parts.headers, body).into_response()
    }
    let stacked = |inner, outer| {
        let keep_alive = |text, secs_| KeepAlive::new().interval(secs(secs_)).text(text);
        Router::new()
            .route("/", on_get(silence))
            .layer(SseLayer::new().keep_alive(keep_alive("inner", inner)))
            .layer(from_fn(made_anew))
            .layer(SseLayer::new().keep_alive(keep_alive("outer", outer)))
    };
    // The inner one's heartbeats are the stream's own to the outer: they postpone it, and not the
    // other way round.
    for (inner, outer, beats) in [
        (5, 20, ["inner"; 5]),
        (20, 5, ["outer", "outer", "outer", "inner", "outer"]),
    ] {
        let mut sse = get(stacked(inner, outer), "/").await;
        // Each opens the stream, for neither knows of the other.
        sse.expect_opening().await;
        assert_eq!(sse.expect_heartbeat().await, "");
        assert_eq!(sse.elapsed(), secs(0));
        for (beat, text) in (1..).zip(beats) {
            assert_eq!(sse.expect_heartbeat().await, text);
            assert_eq!(sse.elapsed(), secs(beat * 5));
        }
    }
}

#[tokio::test]
async fn a_merged_router_keeps_its_own_layer() {
    let (one, other) = (Watched::new(9), Watched::new(9));
    let app = Router::new()
        .route("/one", on_get(silence))
        .layer(one.layer())
        .merge(
            Router::new()
                .route("/other", on_get(silence))
                .layer(other.layer()),
        )
        .route("/bare", on_get(silence));
    let counts = || [one.limit.current(), other.limit.current()];
    let open = get(app.clone(), "/one").await;
    assert_eq!(counts(), [1, 0]);
    drop(open);
    let open = get(app.clone(), "/other").await;
    assert_eq!(counts(), [0, 1]);
    drop(open);
    // Added behind the layers: a stream all the same, which nothing keeps alive.
    let mut bare = get(app, "/bare").await;
    assert_eq!(counts(), [0, 0]);
    bare.expect_opening().await;
    bare.expect_idle(secs(3600)).await;
}

#[tokio::test]
async fn a_router_layer_stands_around_the_fallback_and_a_route_layer_does_not() {
    let fallback = async || (StatusCode::NOT_FOUND, "nothing here");
    let routes = || Router::new().route("/", on_get(silence)).fallback(fallback);
    let (router, route) = (Watched::new(1), Watched::new(1));
    for (app, watched, peak) in [
        (routes().layer(router.layer()), &router, 1),
        (routes().route_layer(route.layer()), &route, 0),
    ] {
        let mut lost = get(app.clone(), "/lost").await;
        lost.expect_status(404);
        assert_eq!(lost.body_text().await, "nothing here");
        watched.expect_all_given_back(peak);
        let sse = get(app, "/").await;
        sse.expect_status(200);
        assert_eq!(watched.limit.current(), 1);
    }
}

#[tokio::test]
async fn a_fallback_that_streams_is_guarded_by_the_routers_layer() {
    let watched = Watched::new(1);
    let app = Router::new().fallback(silence).layer(watched.layer());
    let mut sse = get(app.clone(), "/anywhere").await;
    sse.expect_heartbeat().await;
    get(app, "/else").await.expect_status(429);
}

#[tokio::test]
async fn a_layer_on_methods_stands_around_those_added_before_it() {
    let watched = Watched::new(1);
    let methods = on_get(silence)
        .layer(watched.layer())
        .merge(post(async || StatusCode::ACCEPTED));
    let app = Router::new().route("/", methods);
    let posted = get(app.clone(), "/").method(Method::POST).await;
    posted.expect_status(202);
    watched.expect_all_given_back(0);
    let unknown = get(app.clone(), "/").method(Method::PUT).await;
    unknown
        .expect_status(405)
        .expect_header("allow", "GET,HEAD,POST");
    let mut sse = get(app, "/").await;
    sse.expect_heartbeat().await;
    assert_eq!(watched.limit.current(), 1);
}
