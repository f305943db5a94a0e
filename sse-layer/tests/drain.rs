//! The drain's own promises: when it is finished, and when it gives up.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::{convert::Infallible, time::Duration};

use futures_util::{FutureExt, stream};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use sse_layer::{ConnectionLimit, Drain, Event, Sse, SseBody, SseLayer};
use sse_testkit::get;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};
use tower::{Layer, service_fn, util::BoxCloneService};

type Silence = stream::Pending<Event>;
type App = BoxCloneService<Request<sse_testkit::Body>, Response<SseBody<Silence>>, Infallible>;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn app(drain: &Drain) -> App {
    let layer = SseLayer::new().drain(drain.clone());
    BoxCloneService::new(layer.layer(service_fn(async |_: Request<_>| {
        Ok(Sse::new(stream::pending()))
    })))
}

#[tokio::test(start_paused = true)]
async fn without_streams_it_is_finished_when_it_begins_and_not_before() {
    let drain = Drain::new();
    assert_eq!(drain.finished().now_or_never(), None);
    assert!(!drain.has_begun());
    drain.begin();
    assert!(drain.has_begun());
    assert_eq!(drain.finished().now_or_never(), Some(Ok(())));
}

#[tokio::test(start_paused = true)]
async fn it_begins_with_a_signal() {
    let drain = Drain::new();
    let (signal, signalled) = oneshot::channel::<()>();
    let begun = tokio::spawn(drain.begin_after(signalled));
    sleep(secs(100)).await;
    assert!(!drain.has_begun());
    signal.send(()).unwrap();
    begun.await.unwrap();
    assert!(drain.has_begun());
}

#[tokio::test(start_paused = true)]
async fn it_is_finished_when_the_last_stream_is_gone() {
    let drain = Drain::new().window(secs(3));
    let app = app(&drain);
    let mut one = get(app.clone(), "/").await;
    let mut other = get(app, "/").await;
    drain.begin();
    one.expect_end().await;
    assert_eq!(drain.open(), 1);
    let ((), finished) = tokio::join!(
        async {
            sleep(secs(1)).await;
            other.close();
        },
        drain.finished(),
    );
    assert_eq!(finished, Ok(()));
    assert_eq!(drain.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_let_in_before_it_began_gets_its_stream_and_is_waited_for() {
    for limit in [None, Some(ConnectionLimit::new(1))] {
        let drain = Drain::new().window(secs(10));
        let mut layer = SseLayer::new().drain(drain.clone());
        if let Some(limit) = limit {
            layer = layer.limit(limit);
        }
        let slow = layer.layer(service_fn(async |_: Request<sse_testkit::Body>| {
            sleep(secs(2)).await;
            Ok::<_, Infallible>(Sse::text(stream::iter(["answer"])).finite())
        }));
        let (mut answer, finished) = tokio::join!(get(slow, "/").method(Method::POST), async {
            sleep(secs(1)).await;
            drain.begin();
            assert_eq!(drain.open(), 1);
            drain.finished().now_or_never()
        });
        assert_eq!(finished, None);
        answer.expect_status(200);
        answer.expect_message().text("answer").await;
        answer.expect_end().await;
        assert_eq!(drain.finished().await, Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_needs_a_permit_is_refused_before_its_handler_runs() {
    let drain = Drain::new();
    let limit = ConnectionLimit::new(1).when(|_| true);
    let layer = SseLayer::new().drain(drain.clone()).limit(limit.clone());
    let service = layer.layer(service_fn(
        async |_: Request<sse_testkit::Body>| -> Result<Sse<Silence>, Infallible> {
            panic!("called although the drain has begun");
        },
    ));
    drain.begin();
    get(service, "/")
        .header("accept", "*/*")
        .await
        .expect_status(503);
    // What a drain turns away is no matter of the limit.
    assert_eq!((limit.peak(), limit.rejected()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn it_wakes_streams_that_nothing_else_wakes() {
    let drain = Drain::new().window(Duration::ZERO);
    let layer = SseLayer::new().no_keep_alive().drain(drain.clone());
    let service = layer.layer(service_fn(async |_: Request<sse_testkit::Body>| {
        Ok::<_, Infallible>(Sse::new(stream::pending::<Event>()))
    }));
    let mut sse = get(service, "/").await;
    sse.expect_opening().await;
    let begun = Instant::now();
    tokio::join!(sse.expect_end(), async {
        // Polled by another task in the meantime, as after a connection has moved.
        sleep(secs(3)).await;
        drain.begin();
    });
    assert_eq!(begun.elapsed(), secs(3));
}

#[tokio::test(start_paused = true)]
async fn it_wakes_the_task_that_polled_last() {
    let drain = Drain::new().window(Duration::ZERO);
    let layer = SseLayer::new().no_keep_alive().drain(drain.clone());
    let mut service = layer.layer(service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Sse::new(stream::pending::<Event>()))
    }));
    let request = Request::builder().body(()).unwrap();
    let response = tower::Service::call(&mut service, request).await.unwrap();
    let mut body = Box::pin(response.into_body());
    assert!(body.frame().await.is_some());
    let here = body.frame().now_or_never();
    assert!(here.is_none());
    let elsewhere = tokio::spawn(async move {
        let retry = body.frame().await.unwrap().unwrap().into_data().unwrap();
        (retry, body.frame().await.is_none())
    });
    sleep(secs(1)).await;
    drain.begin();
    let (retry, ended) = elsewhere.await.unwrap();
    assert!(retry.starts_with(b"retry: ") && ended, "{retry:?}");
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_after_its_deadline_and_tells_how_many_are_left() {
    let drain = Drain::new().window(secs(1)).deadline(secs(10));
    let app = app(&drain);
    // Never polled, as the body of a client that does not read.
    let stalled = [get(app.clone(), "/").await, get(app, "/").await];
    let begun = Instant::now();
    drain.begin();
    let timeout = drain.finished().await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_millis(10_500));
    assert_eq!(timeout.open(), 2);
    assert!(timeout.to_string().contains("2 event streams"), "{timeout}");
    drop(stalled);
    assert_eq!(drain.finished().await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn its_clones_share_their_settings_which_count_as_they_are_when_it_begins() {
    let drain = Drain::new().window(secs(100)).deadline(secs(200));
    let app = app(&drain);
    let mut sse = get(app, "/").await;
    sse.expect_opening().await;
    let begun = Instant::now();
    let _same = drain.clone().window(Duration::ZERO).deadline(secs(1));
    drain.begin();
    let _too_late = drain.clone().window(secs(100));
    drain.begin();
    sse.expect_end().await;
    assert!(begun.elapsed() < secs(1), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_deadline_cuts_the_window_short() {
    let drain = Drain::new().window(secs(1000)).deadline(secs(2));
    let app = app(&drain);
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(get(app.clone(), "/").await);
    }
    let begun = Instant::now();
    drain.begin();
    for sse in &mut streams {
        sse.expect_end().await;
    }
    assert!(
        begun.elapsed() <= Duration::from_millis(2010),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_farewell_that_cannot_be_sent_is_left_out() {
    let drain = Drain::new()
        .window(Duration::ZERO)
        .retry(secs(2)..=secs(2))
        .farewell(Event::text("bye").event("a\nb"));
    let mut sse = get(app(&drain), "/").await;
    drain.begin();
    sse.expect_end().await;
    assert_eq!(sse.raw(), b":\n\nretry: 2000\n");
}
