//! Streams as operators see them: a span each, and the numbers of all.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod hubs;
mod layers;
mod numbers;
mod sockets;
mod spans;

use std::{
    collections::BTreeMap, convert::Infallible, panic::AssertUnwindSafe, task::Poll, time::Duration,
};

use axum::{Router, response::sse, routing::get};
use futures_util::{FutureExt, Stream, StreamExt, stream};
use http::Request;
use http_body::Body as _;
use http_body_util::BodyExt;
use sse_layer::{ConnectionLimit, Drain, Event, KeepAlive, OnError, Sse, SseLayer};
use sse_testkit::{Body, EventStream};
use tower::{Layer, ServiceExt, service_fn};
use tracing::Instrument as _;

use self::{
    numbers::counted,
    spans::{Fields, Told},
};

const SECOND: Duration = Duration::from_secs(1);

fn ticks() -> impl Stream<Item = Event> + Send {
    stream::iter(["a", "b"]).map(Event::text)
}

fn endless() -> impl Stream<Item = Event> + Send {
    ticks().chain(stream::pending())
}

/// A client of a stream behind the layer, at `/prices`.
async fn open<S>(layer: &SseLayer, stream: S) -> EventStream
where
    S: Stream<Item = Event> + Send + 'static,
{
    let mut stream = Some(stream);
    let handler = service_fn(move |_: Request<Body>| {
        let stream = stream.take().unwrap();
        async { Ok::<_, Infallible>(Sse::new(stream)) }
    });
    sse_testkit::get(layer.layer(handler), "/prices?token=secret").await
}

/// Opens one stream for each reason to be over, and closes it.
async fn close_for_every_reason() {
    let layer = SseLayer::new();
    let mut ended = open(&layer, ticks()).await;
    ended.collect(2).await;
    ended.expect_end().await;

    let mut gone = open(&layer, endless()).await;
    gone.collect(2).await;
    gone.expect_heartbeat().await;
    gone.close();

    let drain = Drain::new()
        .window(Duration::ZERO)
        .farewell(Event::text("bye"));
    let mut drained = open(&SseLayer::new().drain(drain.clone()), endless()).await;
    drained.collect(2).await;
    drain.begin();
    drained.expect_message().text("bye").await;
    drained.expect_end().await;

    let short = SseLayer::new().max_lifetime(5 * SECOND);
    let mut lifetime = open(&short, endless()).await;
    lifetime.collect(2).await;
    lifetime.expect_end().await;

    let failing = ticks().map(|event| event.id("a\nb"));
    let layer_of_failing = SseLayer::new().on_error(OnError::event(|_| Event::text("sorry")));
    let mut error = open(&layer_of_failing, failing).await;
    error.expect_message().text("sorry").await;
    error.expect_end().await;

    // A connection that can't write does not ask for more.
    let handler = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Sse::new(endless())));
    let request = Request::get("/prices").body(()).unwrap();
    let response = SseLayer::new().layer(handler).oneshot(request).await;
    let mut stalled = response.unwrap().into_body().boxed_unsync();
    stalled.frame().await.unwrap().unwrap();
    tokio::time::advance(3 * SECOND).await;
    drop(stalled);
}

const REASONS: [&str; 6] = [
    "ended",
    "client_gone",
    "drained",
    "lifetime",
    "error",
    "stalled",
];

#[test]
fn every_number_and_every_reason_is_counted() {
    counted(async |numbers| {
        close_for_every_reason().await;

        let mut read = numbers.read();
        for reason in REASONS {
            let closed = read.remove(&format!("sse_connections_closed_total{{reason={reason}}}"));
            assert_eq!(closed, Some(vec![1.0]), "{reason}");
        }
        let others = ["sse_connections_closed_total{reason=refused}"]
            .into_iter()
            .map(str::to_owned)
            .chain(
                ["limit", "key_limit", "draining"]
                    .map(|reason| format!("sse_connections_rejected_total{{reason={reason}}}")),
            );
        for other in others {
            assert_eq!(read.remove(&other), Some(vec![0.0]), "{other}");
        }
        let durations = read.remove("sse_connection_duration_seconds").unwrap();
        assert_eq!(durations.len(), 6);
        let lasted = |seconds| {
            durations
                .iter()
                .filter(|lasted| **lasted == seconds)
                .count()
        };
        // At once: ended, drained, failed. At the heartbeat: gone.
        assert_eq!((lasted(0.0), lasted(15.0), lasted(3.0)), (3, 1, 1));
        let bytes = read.remove("sse_bytes_sent_total").unwrap();
        // Five openings, of which one is followed by a failure, and ten events; and a heartbeat,
        // a `retry` of four digits, a farewell and an apology.
        let expected = 6 * 3 + 10 * "data: a\n\n".len();
        let expected = expected + 3 + "retry: 1234\n".len() + "data: bye\n\n".len();
        let expected = expected + "data: sorry\n\n".len();
        assert_eq!(bytes, [f64::from(u32::try_from(expected).unwrap())]);
        let rest = BTreeMap::from([
            ("sse_connections_active".to_owned(), vec![0.0]),
            ("sse_connections_opened_total".to_owned(), vec![6.0]),
            ("sse_events_sent_total".to_owned(), vec![12.0]),
            ("sse_heartbeats_sent_total".to_owned(), vec![1.0]),
        ]);
        assert_eq!(read, rest);
    });
}

#[tokio::test(start_paused = true)]
async fn every_stream_has_a_span_that_says_how_it_ended() {
    let told = Told::listen();
    close_for_every_reason().await;

    let spans = told.streams();
    let reasons: Vec<_> = spans.iter().map(|span| &*span["reason"]).collect();
    assert_eq!(reasons, REASONS);
    let expected = [
        ("span", "sse_stream"),
        ("path", "/prices"),
        ("reason", "client_gone"),
        ("duration_ms", "15000"),
        ("events", "2"),
        ("bytes", "24"),
        ("heartbeats", "1"),
    ];
    let expected: Fields = expected
        .map(|(key, value)| (key.into(), value.into()))
        .into();
    assert_eq!(spans[1], expected);

    assert_eq!(told.events("an event stream was opened").len(), 6);
    let closed = told.events("an event stream was closed");
    let reasons: Vec<_> = closed.iter().map(|event| &*event["reason"]).collect();
    assert_eq!(reasons, REASONS);
    for key in ["span", "duration_ms", "events", "bytes", "heartbeats"] {
        assert_eq!(closed[1][key], spans[1][key], "{key}");
    }
}

#[test]
fn streams_are_active_until_they_are_over() {
    counted(async |numbers| {
        let layer = SseLayer::new();
        let mut one = open(&layer, endless()).await;
        let mut two = open(&layer, endless()).await;
        one.collect(2).await;
        two.collect(1).await;
        assert_eq!(numbers.one("sse_connections_active"), 2.0);
        two.close();
        assert_eq!(numbers.one("sse_connections_active"), 1.0);
        one.close();
        assert_eq!(numbers.one("sse_connections_active"), 0.0);
    });
}

#[test]
fn a_long_stream_counts_while_it_lasts() {
    counted(async |numbers| {
        let ticks = stream::unfold((), async |()| {
            tokio::time::sleep(SECOND).await;
            Some((Event::text("tick"), ()))
        });
        let mut sse = open(&SseLayer::new(), ticks).await;
        for n in 1..5 {
            sse.expect_message().await;
            assert_eq!(numbers.one("sse_events_sent_total"), f64::from(n));
        }
    });
}

#[test]
fn requests_that_get_no_stream_are_counted_by_the_reason() {
    counted(async |numbers| {
        let told = Told::listen();
        let drain = Drain::new();
        let limit =
            ConnectionLimit::new(2).per_key(1, |parts| parts.headers.get("x-user").cloned());
        let layer = SseLayer::new().limit(limit).drain(drain.clone());
        let get = |user: &str| {
            let handler =
                service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Sse::new(endless())));
            sse_testkit::get(layer.layer(handler), "/").header("x-user", user)
        };
        let one = get("one").await;
        get("one").await.expect_status(429);
        let two = get("two").await;
        get("three").await.expect_status(429);
        get("four").await.expect_status(429);
        // Without an `Accept` that asks for a stream: refused when the response proves to be one.
        get("five").header("accept", "*/*").await.expect_status(429);
        drain.begin();
        get("six").await.expect_status(200);
        one.expect_status(200);
        two.expect_status(200);

        let read = numbers.read();
        for (reason, count) in [("key_limit", 1.0), ("limit", 3.0), ("draining", 1.0)] {
            let rejected = &read[&format!("sse_connections_rejected_total{{reason={reason}}}")];
            assert_eq!(rejected, &[count], "{reason}");
        }
        assert_eq!(read["sse_connections_opened_total"], [2.0]);
        let refused = told.events("an event stream was refused");
        let reasons: Vec<_> = refused.iter().map(|event| &*event["reason"]).collect();
        assert_eq!(
            reasons,
            ["key_limit", "limit", "limit", "limit", "draining"]
        );
    });
}

#[tokio::test(start_paused = true)]
async fn streams_of_others_are_observed_alike() {
    let told = Told::listen();
    let router: Router = Router::new()
        .route(
            "/axum",
            get(async || {
                let events = stream::iter([
                    sse::Event::default().data("a\nb"),
                    sse::Event::default().comment("none"),
                    sse::Event::default().data("c"),
                ]);
                sse::Sse::new(events.map(Ok::<_, Infallible>))
            }),
        )
        .route("/ours", get(async || Sse::new(ticks())))
        .route("/page", get(async || "no stream"))
        .layer(SseLayer::new());
    let router = router.map_request(|request: Request<Body>| request.map(axum::body::Body::new));
    for path in ["/axum", "/ours"] {
        let mut sse = sse_testkit::get(router.clone(), path).await;
        sse.collect_to_end().await;
    }
    let mut page = sse_testkit::get(router, "/page").await;
    assert_eq!(page.body_text().await, "no stream");
    let spans = told.streams();
    assert_eq!(spans.len(), 2);
    for (span, path) in spans.iter().zip(["/axum", "/ours"]) {
        assert_eq!((&*span["path"], &*span["events"]), (path, "2"));
        assert_eq!(span["reason"], "ended");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_stream_logs_is_told_within_its_span_and_that_within_the_request() {
    let told = Told::listen();
    let events = stream::poll_fn(|_| {
        tracing::info!("a price");
        Poll::Ready(None::<Event>)
    });
    let request = tracing::info_span!("request");
    let mut sse = open(&SseLayer::new(), events).instrument(request).await;
    sse.expect_end().await;
    assert_eq!(told.events("a price")[0]["span"], "sse_stream");
    assert_eq!(told.streams()[0]["parent"], "request");
}

#[cfg(feature = "tonic")]
#[tokio::test(start_paused = true)]
async fn a_status_that_is_nobodys_fault_is_no_error_in_the_log() {
    use sse_layer::grpc;
    use tonic::Status;

    let told = Told::listen();
    for status in [Status::aborted("as agreed"), Status::internal("a bug")] {
        let mut messages = Some(stream::iter([Ok(1), Err(status)]));
        let handler = service_fn(move |_: Request<Body>| {
            let messages = messages.take().unwrap();
            async { Ok::<_, Infallible>(grpc::sse(messages)) }
        });
        let mut sse = sse_testkit::get(SseLayer::new().layer(handler), "/").await;
        sse.collect_to_end().await;
    }
    let levels: Vec<_> = told.events("an event stream failed");
    let levels: Vec<_> = levels.iter().map(|event| &*event["level"]).collect();
    assert_eq!(levels, ["DEBUG", "ERROR"]);
    assert!(told.streams().iter().all(|span| span["reason"] == "error"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_panics_ends_in_an_error() {
    let told = Told::listen();
    let handler = service_fn(async |_: Request<()>| {
        let bug = stream::poll_fn(|_| -> Poll<Option<Event>> { panic!("a bug") });
        Ok::<_, Infallible>(Sse::new(ticks().chain(bug)))
    });
    let request = Request::get("/").body(()).unwrap();
    let response = SseLayer::new()
        .layer(handler)
        .oneshot(request)
        .await
        .unwrap();
    let body = response.into_body();
    let collected = tokio::spawn(async move { body.collect().await.map(drop) });
    assert!(collected.await.unwrap_err().is_panic());
    assert_eq!(told.streams()[0]["reason"], "error");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_panics_is_an_error_also_to_one_who_catches_that() {
    let told = Told::listen();
    let bug = stream::poll_fn(|_| -> Poll<Option<Event>> { panic!("a bug") });
    let mut bug = Some(bug);
    let service = SseLayer::new().layer(service_fn(move |_: Request<()>| {
        let sse = Sse::new(bug.take().unwrap());
        async { Ok::<_, Infallible>(sse) }
    }));
    let body = service.oneshot(Request::new(())).await.unwrap().into_body();
    let caught = AssertUnwindSafe(body.collect()).catch_unwind().await;
    assert!(caught.is_err());
    assert_eq!(told.streams()[0]["reason"], "error");
}

#[tokio::test(start_paused = true)]
async fn a_panic_elsewhere_is_no_error_of_the_stream() {
    let told = Told::listen();
    let handler = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Sse::new(endless())));
    let response = SseLayer::new()
        .layer(handler)
        .oneshot(Request::new(()))
        .await;
    let mut body = response.unwrap().into_body().boxed_unsync();
    body.frame().await.unwrap().unwrap();
    let task = tokio::spawn(async move {
        let _body = body;
        panic!("somebody else's bug");
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(told.streams()[0]["reason"], "client_gone");
}

#[tokio::test(start_paused = true)]
async fn what_left_with_the_end_was_sent() {
    let told = Told::listen();
    let drain = Drain::new()
        .window(Duration::ZERO)
        .farewell(Event::text("bye"));
    let large = || stream::iter([Event::text("x".repeat(5000))]);
    let layer = SseLayer::new()
        .drain(drain.clone())
        .on_error(OnError::event(|_| Event::text("sorry")));
    let mut sent = Vec::new();

    let mut ready = open(&layer, ticks()).await;
    ready.collect_to_end().await;
    sent.push(ready.raw().len());

    let mut failed = open(&layer, ticks().chain(large().map(|event| event.id("\n")))).await;
    failed.collect_to_end().await;
    sent.push(failed.raw().len());

    let mut drained = open(&layer, endless()).await;
    drained.collect(2).await;
    drain.begin();
    drained.collect_to_end().await;
    sent.push(drained.raw().len());

    // A frame of this size is a chunk of its own, and the end is known before it leaves.
    let frames = ticks().chain(large()).map(|event| event.to_frame());
    let mut frames = Some(frames);
    let handler = service_fn(move |_: Request<Body>| {
        let sse = Sse::new(frames.take().unwrap());
        async { Ok::<_, Infallible>(sse) }
    });
    let mut held = sse_testkit::get(SseLayer::new().layer(handler), "/").await;
    held.collect_to_end().await;
    sent.push(held.raw().len());

    let told: Vec<_> = told
        .streams()
        .iter()
        .map(|span| span["bytes"].clone())
        .collect();
    let sent: Vec<_> = sent.iter().map(ToString::to_string).collect();
    assert_eq!(told, sent);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_sees_the_end_coming_does_not_ask_for_it() {
    let told = Told::listen();
    let handler = service_fn(async |_: Request<()>| {
        let fails = stream::iter([Event::default().id("\n")]);
        Ok::<_, Infallible>(Sse::new(ticks().chain(fails)))
    });
    // Too large for the chunk of the ticks.
    let apology = OnError::event(|_| Event::text("sorry".repeat(1000)));
    let layer = SseLayer::new().on_error(apology);
    let response = layer.layer(handler).oneshot(Request::new(())).await;
    let mut body = response.unwrap().into_body().boxed_unsync();
    let mut sent = 0;
    while !body.is_end_stream() {
        assert!(!told.streams()[0].contains_key("reason"), "not over yet");
        let frame = body.frame().await.unwrap().unwrap();
        sent += frame.into_data().unwrap().len();
    }
    drop(body);
    let span = &told.streams()[0];
    assert_eq!((&*span["reason"], &*span["events"]), ("error", "3"));
    assert_eq!(span["bytes"], sent.to_string());
}

#[tokio::test(start_paused = true)]
async fn what_did_not_leave_was_not_sent() {
    let told = Told::listen();
    let handler = service_fn(async |_: Request<()>| {
        let frames = ["small".to_owned(), "x".repeat(5000)];
        let frames = frames.map(|text| Event::text(text).to_frame().unwrap());
        Ok::<_, Infallible>(Sse::new(stream::iter(frames).chain(stream::pending())))
    });
    let service = SseLayer::new().layer(handler);
    drop(service.clone().oneshot(Request::new(())).await.unwrap());
    assert_eq!(told.streams()[0]["bytes"], "0");

    let response = service.oneshot(Request::new(())).await.unwrap();
    let mut body = response.into_body().boxed_unsync();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    drop(body);
    assert_eq!(told.streams()[1]["bytes"], first.len().to_string());
    assert!(first.len() < 100, "the large one is a chunk of its own");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_was_just_given_something_is_gone_and_not_stalled() {
    let told = Told::listen();
    let handler = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Sse::new(endless())));
    let service = SseLayer::new()
        .keep_alive(KeepAlive::new().interval(SECOND))
        .layer(handler);
    for wait in [900, 0] {
        let request = Request::get("/").body(()).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        let mut body = response.into_body().boxed_unsync();
        body.frame().await.unwrap().unwrap();
        tokio::time::advance(Duration::from_millis(wait)).await;
        drop(body);
    }
    for span in told.streams() {
        assert_eq!(span["reason"], "client_gone");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_waits_for_more_is_gone_and_not_stalled() {
    let told = Told::listen();
    let handler = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Sse::new(endless())));
    let service = SseLayer::new().layer(handler);
    let request = Request::get("/").body(()).unwrap();
    let mut body = service
        .oneshot(request)
        .await
        .unwrap()
        .into_body()
        .boxed_unsync();
    body.frame().await.unwrap().unwrap();
    let more = tokio::time::timeout(5 * SECOND, body.frame()).await;
    assert!(more.is_err(), "nothing but a heartbeat is to come");
    drop(body);
    assert_eq!(told.streams()[0]["reason"], "client_gone");
}
