use example_tonic_web::{Config, app};
use sse_layer::{Drain, Event};
use sse_testkit::grpc_web::Code;
use tokio_util::sync::CancellationToken;

use crate::{config, grpc, grpc_web, millis, secs, sse, watch};

fn drain() -> Drain {
    Drain::new()
        .window(secs(1))
        .deadline(secs(10))
        .farewell(Event::text("closing").event("bye"))
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_event_streams_and_leaves_calls_alone() {
    let drain = drain();
    let app = app(Config {
        drain: drain.clone(),
        ..config()
    });
    let acme = watch(&["ACME"]);
    let mut events = sse(&app, &acme).await;
    let mut web = grpc_web(&app, &acme).await;
    let mut native = grpc(&app).watch(acme.clone()).await.unwrap().into_inner();
    events.expect_event("price").await;

    drain.begin();
    let rest = events.collect_for(secs(2)).await;
    assert_eq!(rest.last().unwrap().event, "bye");
    events.expect_end().await;
    drop(events);
    drain.finished().await.unwrap();

    // A browser that comes now is asked to come again.
    let mut late = sse(&app, &acme).await;
    late.expect_status(200);
    late.expect_end().await;

    web.collect(5).await;
    for _ in 0..5 {
        assert!(native.message().await.unwrap().is_some());
    }
    grpc_web(&app, &acme).await.expect_message().await;
    let mut new = grpc(&app).watch(acme).await.unwrap().into_inner();
    assert!(new.message().await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_closes_ends_its_calls_as_unavailable_and_takes_no_more() {
    let closing = CancellationToken::new();
    let app = app(Config {
        closing: closing.clone(),
        ..config()
    });
    let acme = watch(&["ACME"]);
    let mut web = grpc_web(&app, &acme).await;
    let mut native = grpc(&app).watch(acme.clone()).await.unwrap().into_inner();
    web.expect_message().await;
    assert!(native.message().await.unwrap().is_some());

    closing.cancel();
    let why = "the server is shutting down";
    // Before the next tick, and not with it.
    web.expect_grpc_status(Code::UNAVAILABLE)
        .message(why)
        .within(millis(1))
        .await;
    let status = native.message().await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (tonic::Code::Unavailable, why)
    );

    let status = grpc(&app).watch(acme.clone()).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    sse(&app, &acme).await.expect_status(503);
}
