//! Services in boxes, behind channels, one of several, and made for each connection.

use std::convert::Infallible;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use http::Request;
use sse_layer::{KeepAlive, Sse, SseLayer};
use sse_testkit::get;
use tower::{
    Layer, MakeService, Service, ServiceBuilder, ServiceExt,
    buffer::Buffer,
    make::Shared,
    service_fn,
    steer::Steer,
    util::{BoxCloneSyncService, BoxLayer, BoxService, Either, option_layer},
};
use tower_http::map_response_body::MapResponseBodyLayer;

use crate::app::{Watched, answer, secs};

type TestRequest = Request<sse_testkit::Body>;

/// Streams the path, and then nothing.
async fn path(request: TestRequest) -> Result<Response, Infallible> {
    let path = stream::iter([request.uri().path().to_owned()]);
    Ok(Sse::text(path.chain(stream::pending())).into_response())
}

async fn expect_stream<S>(service: S, watched: &Watched)
where
    S: Service<TestRequest> + Send + 'static,
    S::Response: Into<Response>,
    S::Error: Into<tower::BoxError>,
    S::Future: Send,
{
    let mut sse = get(service.map_response(Into::into), "/some").await;
    sse.expect_message().text("/some").await;
    sse.expect_heartbeat().await;
    assert_eq!((watched.limit.current(), watched.drain.open()), (1, 1));
    sse.close();
    watched.expect_all_given_back(1);
}

#[tokio::test]
async fn a_service_in_any_box_streams() {
    let watched = Watched::new(1);
    let service = || {
        ServiceBuilder::new()
            .layer(MapResponseBodyLayer::new(Body::new))
            .layer(watched.layer())
            .service_fn(path)
    };
    expect_stream(BoxService::new(service()), &watched).await;
    expect_stream(BoxCloneSyncService::new(service()), &watched).await;
    expect_stream(service().boxed_clone(), &watched).await;
}

#[tokio::test]
async fn the_layer_in_a_box_wraps_as_it_does_without() {
    let watched = Watched::new(1);
    let stack = ServiceBuilder::new()
        .layer(MapResponseBodyLayer::new(Body::new))
        .layer(watched.layer())
        .into_inner();
    let layer: BoxLayer<_, TestRequest, Response, Infallible> = BoxLayer::new(stack);
    expect_stream(layer.layer(service_fn(path)), &watched).await;
    expect_stream(layer.layer(service_fn(path)), &watched).await;
}

#[tokio::test]
async fn one_of_two_layers_is_chosen_when_the_program_runs() {
    let layer = |interval, text| {
        SseLayer::new().keep_alive(KeepAlive::new().interval(secs(interval)).text(text))
    };
    for (is_left, interval, text) in [(true, 5, "left"), (false, 25, "right")] {
        let either = if is_left {
            Either::Left(layer(5, "left"))
        } else {
            Either::Right(layer(25, "right"))
        };
        let mut sse = get(either.layer(service_fn(path)), "/some").await;
        sse.expect_message().text("/some").await;
        assert_eq!(sse.expect_heartbeat().await, text);
        assert_eq!(sse.elapsed(), secs(interval));
    }
}

#[tokio::test]
async fn an_optional_layer_needs_one_type_of_body_with_and_without() {
    for is_wanted in [true, false] {
        let watched = Watched::new(1);
        let stack = is_wanted.then(|| {
            ServiceBuilder::new()
                .layer(MapResponseBodyLayer::new(Body::new))
                .layer(watched.layer())
                .into_inner()
        });
        let mut sse = get(option_layer(stack).layer(service_fn(path)), "/some").await;
        sse.expect_message().text("/some").await;
        assert_eq!(watched.limit.current(), usize::from(is_wanted));
        if is_wanted {
            sse.expect_header("x-accel-buffering", "no");
            sse.expect_heartbeat().await;
        } else {
            sse.expect_idle(secs(3600)).await;
        }
    }
}

#[tokio::test]
async fn a_buffer_carries_requests_and_not_streams() {
    let watched = Watched::new(3);
    let service = watched.layer().layer(service_fn(path));
    // Room for one request at a time, and three streams beside each other.
    let buffer = Buffer::new(service, 1);
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut sse = get(buffer.clone(), "/some").await;
        sse.expect_message().text("/some").await;
        streams.push(sse);
    }
    get(buffer, "/some").await.expect_status(429);
    for sse in &mut streams {
        sse.expect_heartbeat().await;
    }
    drop(streams);
    assert_eq!(watched.limit.current(), 0);
}

#[tokio::test]
async fn steered_services_each_have_a_limit_of_their_own() {
    let (one, other) = (Watched::new(1), Watched::new(1));
    let services = [one.layer(), other.layer()].map(|layer| layer.layer(service_fn(path)));
    let steer = Steer::new(services, |request: &TestRequest, _: &[_]| {
        usize::from(request.uri().path() == "/other")
    });
    let mut held = get(steer.clone(), "/one").await;
    held.expect_message().text("/one").await;
    assert_eq!([one.limit.current(), other.limit.current()], [1, 0]);
    get(steer.clone(), "/one").await.expect_status(429);
    let mut held_too = get(steer, "/other").await;
    held_too.expect_message().text("/other").await;
    assert_eq!([one.limit.current(), other.limit.current()], [1, 1]);
}

#[tokio::test]
async fn services_made_for_each_connection_share_one_limit() {
    let watched = Watched::new(2);
    let shared = Shared::new(watched.layer().layer(service_fn(answer)));
    // Layered anew for each connection, which is as good: what is shared is in the layer.
    let layered =
        service_fn(async |_: ()| Ok::<_, Infallible>(watched.layer().layer(service_fn(answer))));
    let make = async |mut make: Shared<_>| {
        MakeService::<(), Request<sse_testkit::Body>>::make_service(&mut make, ())
            .await
            .unwrap()
    };
    let one = get(make(shared.clone()).await, "/").await;
    one.expect_status(200);
    let other = get(layered.oneshot(()).await.unwrap(), "/").await;
    other.expect_status(200);
    get(make(shared).await, "/").await.expect_status(429);
    assert_eq!((watched.limit.current(), watched.limit.rejected()), (2, 1));
}
