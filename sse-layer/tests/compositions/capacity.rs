//! What bounds requests, and what bounds streams.

use std::sync::Arc;

use axum::{Router, error_handling::HandleErrorLayer, http::StatusCode, routing::get as on_get};
use sse_layer::SseLayer;
use sse_testkit::{EventStream, connect, get};
use tokio::{net::TcpListener, sync::Semaphore, time::timeout};
use tower::{
    BoxError, Layer, ServiceBuilder,
    limit::{ConcurrencyLimitLayer, GlobalConcurrencyLimitLayer},
};

use crate::app::{Watched, answer, secs};

async fn overloaded(error: BoxError) -> (StatusCode, String) {
    (StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

async fn expect_streaming(mut sse: EventStream) -> EventStream {
    sse.expect_status(200);
    sse.expect_message().text("first").await;
    sse
}

#[tokio::test]
async fn a_concurrency_limit_bounds_handlers_and_ours_bounds_streams() {
    let (around, inside) = (ConcurrencyLimitLayer::new(1), ConcurrencyLimitLayer::new(1));
    let watched = Watched::new(2);
    let service = ServiceBuilder::new()
        .layer(around)
        .layer(watched.layer())
        .layer(inside)
        .service_fn(answer);
    // Two streams are open under limits of one: theirs were given back with the heads.
    let _one = expect_streaming(get(service.clone(), "/").await).await;
    let _other = expect_streaming(get(service.clone(), "/").await).await;
    assert_eq!(watched.limit.current(), 2);
    get(service, "/").await.expect_status(429);
}

#[tokio::test]
async fn a_request_that_waits_behind_the_layer_holds_a_permit_and_in_front_of_it_none() {
    for (is_in_front, held) in [(true, 1), (false, 2)] {
        let watched = Watched::new(2);
        let one_at_a_time = GlobalConcurrencyLimitLayer::new(1);
        let app = if is_in_front {
            watched.routes().layer(watched.layer()).layer(one_at_a_time)
        } else {
            watched.routes().layer(one_at_a_time).layer(watched.layer())
        };
        let (first, second) = (app.clone(), app);
        let first = tokio::spawn(async { expect_streaming(get(first, "/slow").await).await });
        tokio::time::sleep(secs(1)).await;
        let second = tokio::spawn(async { expect_streaming(get(second, "/slow").await).await });
        tokio::time::sleep(secs(1)).await;
        assert_eq!((watched.calls(), watched.limit.current()), (1, held));
        let (first, second) = (first.await.unwrap(), second.await.unwrap());
        assert_eq!(watched.limit.current(), 2);
        // Ten seconds of its own behind the nine that were left of the first one's.
        assert_eq!(second.elapsed().as_secs(), 19);
        drop(first);
    }
}

/// `/slow` behind a limit that lives in the service, and is shed over it.
fn one_handler_at_a_time(watched: &Watched) -> Router {
    let stack = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(overloaded))
        .load_shed()
        .layer(ConcurrencyLimitLayer::new(1))
        .layer(watched.layer());
    watched.routes().layer(stack)
}

#[tokio::test]
async fn a_router_makes_services_anew_for_each_request_until_it_has_its_state() {
    for (has_state, status, open) in [(false, 200, 2), (true, 503, 1)] {
        let watched = Watched::new(2);
        let app = one_handler_at_a_time(&watched);
        let app = if has_state { app.with_state(()) } else { app };
        let slow = app.clone();
        let slow = tokio::spawn(async { expect_streaming(get(slow, "/slow").await).await });
        tokio::task::yield_now().await;
        let beside = get(app.clone(), "/slow").await;
        beside.expect_status(status);
        let _slow = slow.await.unwrap();
        // Ours counts in what the layer holds, and not in what it makes.
        assert_eq!(watched.limit.current(), open);
    }
}

#[tokio::test]
async fn a_router_that_is_served_as_it_is_makes_services_anew_for_each_connection() {
    for (is_made_once, status) in [(false, 200), (true, 503)] {
        let entered = Arc::new(Semaphore::new(0));
        let leave = Arc::new(Semaphore::new(0));
        let (enter, left) = (Arc::clone(&entered), Arc::clone(&leave));
        let handler = async move || {
            enter.add_permits(1);
            left.acquire().await.unwrap().forget();
        };
        let stack = ServiceBuilder::new()
            .layer(HandleErrorLayer::new(overloaded))
            .load_shed()
            .layer(ConcurrencyLimitLayer::new(1));
        let app = Router::new().route("/", on_get(handler)).layer(stack);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = if is_made_once {
            tokio::spawn(axum::serve(listener, app.into_make_service()).into_future())
        } else {
            tokio::spawn(axum::serve(listener, app).into_future())
        };

        let request = || {
            let url = url.clone();
            tokio::spawn(async { connect(url).await.status().as_u16() })
        };
        let one = request();
        timeout(secs(5), entered.acquire())
            .await
            .unwrap()
            .unwrap()
            .forget();
        let other = request();
        if !is_made_once {
            // Both are in at once, under a limit of one.
            let both = timeout(secs(5), entered.acquire()).await;
            both.unwrap().unwrap().forget();
            leave.add_permits(2);
        }
        assert_eq!(other.await.unwrap(), status);
        leave.add_permits(1);
        assert_eq!(one.await.unwrap(), 200);
        server.abort();
    }
}

#[tokio::test]
async fn load_is_shed_while_handlers_run_and_not_for_streams_that_are_open() {
    for (is_around, peak) in [(true, 3), (false, 4)] {
        let watched = Watched::new(10);
        let shedding = ServiceBuilder::new()
            .layer(HandleErrorLayer::new(overloaded))
            .load_shed()
            .layer(GlobalConcurrencyLimitLayer::new(1));
        let app = if is_around {
            watched.routes().layer(watched.layer()).layer(shedding)
        } else {
            watched.routes().layer(shedding).layer(watched.layer())
        };
        let _open = expect_streaming(get(app.clone(), "/").await).await;
        let _beside = expect_streaming(get(app.clone(), "/").await).await;
        let slow = app.clone();
        let slow = tokio::spawn(async { expect_streaming(get(slow, "/slow").await).await });
        tokio::task::yield_now().await;
        let mut shed = get(app, "/").await;
        shed.expect_status(503);
        assert_eq!(shed.body_text().await, "service overloaded");
        let _slow = slow.await.unwrap();
        assert_eq!((watched.limit.current(), watched.limit.peak()), (3, peak));
        assert_eq!(watched.limit.rejected(), 0);
    }
}

#[tokio::test]
async fn a_full_limit_of_ours_is_no_load_to_shed_but_an_answer() {
    let watched = Watched::new(0);
    let service = ServiceBuilder::new()
        .load_shed()
        .layer(watched.layer())
        .service_fn(answer);
    get(service, "/").await.expect_status(429);
}

#[tokio::test]
async fn a_rate_limit_spaces_streams_out_and_does_not_slow_them() {
    for is_around in [true, false] {
        let watched = Watched::new(10);
        let spaced = ServiceBuilder::new()
            .layer(HandleErrorLayer::new(overloaded))
            .buffer(8)
            .rate_limit(1, secs(10));
        let app = if is_around {
            watched.routes().layer(watched.layer()).layer(spaced)
        } else {
            watched.routes().layer(spaced).layer(watched.layer())
        };
        // Without its state a router would make the stack anew for each request.
        let app = app.with_state(());
        let at_once = expect_streaming(get(app.clone(), "/").await).await;
        assert_eq!(at_once.elapsed(), secs(0));
        let mut later = expect_streaming(get(app, "/").await).await;
        assert_eq!(later.elapsed(), secs(10));
        // A heartbeat is no request.
        later.expect_heartbeat().await;
        later.expect_heartbeat().await;
        assert_eq!(later.elapsed(), secs(40));
        assert_eq!(watched.limit.current(), 2);
    }
}

#[tokio::test]
async fn a_stream_goes_on_when_the_service_that_made_it_is_gone() {
    let service = SseLayer::new().layer(tower::service_fn(answer));
    let buffered = ServiceBuilder::new().buffer(1).service(service);
    let mut sse = get(buffered.clone(), "/").await;
    drop(buffered);
    sse.expect_message().text("first").await;
    sse.expect_heartbeat().await;
}
