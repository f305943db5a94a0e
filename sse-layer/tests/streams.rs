//! What a handler can answer, and how its stream reaches the body.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::{
    cell::RefCell,
    convert::Infallible,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderValue, Request, Response, header};
use http_body::Body;
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use sse_layer::{BoxEventStream, Event, Frame, KeepAlive, OnError, Sse, SseBody, SseLayer};
use sse_testkit::get;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep, timeout},
};
use tower::{Layer, ServiceExt, service_fn};

type TestBody = sse_testkit::Body;

/// A service behind a plain layer that answers once.
fn answering<S>(
    sse: Sse<S>,
) -> impl tower::Service<
    Request<TestBody>,
    Response = Response<SseBody<S>>,
    Error = Infallible,
    Future: Send,
> + Send
where
    S: Send,
{
    let mut sse = Some(sse);
    SseLayer::new().layer(service_fn(move |_: Request<TestBody>| {
        let sse = sse.take().unwrap();
        async { Ok(sse) }
    }))
}

/// The chunks of a response, each as the connection gets it.
async fn chunks<S>(sse: Sse<S>) -> Vec<Bytes>
where
    SseBody<S>: Body<Data = Bytes, Error = sse_layer::Error>,
{
    let mut body = std::pin::pin!(sse.into_http_response().into_body());
    let mut chunks = Vec::new();
    while let Some(frame) = body.frame().await {
        chunks.push(frame.unwrap().into_data().unwrap());
    }
    chunks
}

#[tokio::test]
async fn events_that_are_ready_at_once_leave_in_chunks_of_about_8_kib() {
    let text = "x".repeat(100);
    let chunks = chunks(Sse::text(stream::iter(vec![text; 1000]))).await;
    let sizes: Vec<_> = chunks.iter().map(Bytes::len).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 2 + 1000 * 108);
    let (last, full) = sizes.split_last().unwrap();
    assert!(
        full.iter().all(|size| (8192..8192 + 108).contains(size)),
        "{sizes:?}"
    );
    assert!(*last <= 8300, "{sizes:?}");
}

#[tokio::test]
async fn an_event_does_not_wait_for_the_next_one() {
    let paced = stream::iter(["one", "two"]).then(async |text| {
        sleep(Duration::from_secs(1)).await;
        text
    });
    let mut sse = get(answering(Sse::text(paced)), "/").await;
    sse.expect_opening().await;
    for (seconds, text) in [(1, "one"), (2, "two")] {
        sse.expect_message().text(text).await;
        assert_eq!(sse.elapsed(), Duration::from_secs(seconds));
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_was_away_for_long_gets_its_heartbeats_again() {
    let one = async {
        sleep(Duration::from_secs(1)).await;
        Event::text("one")
    };
    let events = stream::once(one).chain(stream::pending());
    let sse = Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)));
    let mut body = std::pin::pin!(sse.into_http_response().into_body());
    let began = Instant::now();
    let mut next = async || {
        let frame = timeout(Duration::from_secs(60), body.frame()).await;
        frame.unwrap().unwrap().unwrap().into_data().unwrap()
    };
    next().await;
    assert_eq!(next().await, "data: one\n\n");

    // Its timer goes off meanwhile, and nobody asks it.
    sleep(Duration::from_secs(20)).await;
    for seconds in [21, 36, 51] {
        assert!(next().await.starts_with(b":"));
        assert_eq!(began.elapsed(), Duration::from_secs(seconds));
    }
}

/// What an event waits for is written in that time, and nothing else.
#[tokio::test(start_paused = true)]
async fn an_event_waits_for_one_heartbeat_at_most_of_each_stream_that_is_due() {
    const STREAMS: usize = 10_000;
    const EVERY: Duration = Duration::from_secs(15);

    async fn tell_chunks<S>(sse: Sse<S>, tell: mpsc::UnboundedSender<bool>)
    where
        SseBody<S>: Body<Data = Bytes, Error = sse_layer::Error>,
    {
        let sse = sse.keep_alive(KeepAlive::new().interval(EVERY));
        let mut body = std::pin::pin!(sse.into_http_response().into_body());
        while let Some(frame) = body.frame().await {
            let is_event = frame.unwrap().into_data().unwrap().starts_with(b"data");
            tell.send(is_event).unwrap();
        }
    }

    let (tell, mut told) = mpsc::unbounded_channel();
    for _ in 0..STREAMS {
        tokio::spawn(tell_chunks(
            Sse::new(stream::pending::<Event>()),
            tell.clone(),
        ));
    }
    let (publish, published) = oneshot::channel();
    let event = stream::once(async { Event::text(published.await.unwrap()) });
    tokio::spawn(tell_chunks(Sse::new(event.chain(stream::pending())), tell));
    for _ in 0..=STREAMS {
        assert_eq!(told.recv().await, Some(false), "an opening");
    }

    sleep(EVERY).await;
    publish.send("now").unwrap();
    let mut before = 0;
    while told.recv().await == Some(false) {
        before += 1;
    }
    assert!(before <= STREAMS, "{before}");
    for _ in before..STREAMS {
        assert_eq!(told.recv().await, Some(false), "a heartbeat");
    }
}

#[tokio::test]
async fn a_lone_shared_frame_reaches_the_connection_without_a_copy() {
    let frame = Event::text("shared").to_frame().unwrap();
    let shared = frame.clone().into_bytes();
    let frames = stream::iter([frame.clone(), frame]).then(async |frame: Frame| {
        tokio::task::yield_now().await;
        frame
    });
    let chunks = chunks(Sse::new(frames)).await;
    assert_eq!(chunks.len(), 3, "{chunks:?}");
    assert!(
        chunks[1..]
            .iter()
            .all(|chunk| chunk.as_ptr() == shared.as_ptr())
    );
}

#[tokio::test]
async fn frames_and_events_keep_their_order_whatever_their_size() {
    for sizes in [
        [1, 10_000, 1, 5000, 20_000],
        [10_000, 1, 1, 1, 4000],
        [9000, 9000, 9000, 1, 1],
    ] {
        let frames = sizes.map(|size| Event::text("x".repeat(size)).to_frame().unwrap());
        let sent = frames.iter().flat_map(|frame| frame.as_bytes().to_vec());
        let sent: Vec<u8> = b":\n".iter().copied().chain(sent).collect();
        let chunks = chunks(Sse::new(stream::iter(frames))).await;
        assert_eq!(chunks.concat(), sent);
    }
}

#[tokio::test]
async fn a_stream_of_events_that_say_nothing_does_not_hold_up_its_thread() {
    let empty = stream::repeat_with(Event::default);
    let mut body = std::pin::pin!(Sse::new(empty).into_http_response().into_body());
    let opening = body.frame().await.unwrap().unwrap();
    assert_eq!(opening.into_data().unwrap(), ":\n");
    let mut cx = Context::from_waker(Waker::noop());
    assert!(body.as_mut().poll_frame(&mut cx).is_pending());
}

#[tokio::test]
async fn what_came_before_an_error_is_sent_before_it() {
    let items = stream::iter([
        Ok(Event::text("one")),
        Ok(Event::text("two")),
        Err(io::Error::other("secret")),
    ]);
    let mut sse = get(answering(Sse::new(items)), "/").await;
    sse.expect_message().text("one").await;
    sse.expect_message().text("two").await;
    sse.expect_error().await;
}

#[tokio::test]
async fn nothing_of_an_event_that_cannot_be_written_is_sent() {
    let broken = [
        Event::text("one").id("1\ndata: injected"),
        Event::text("one").id("1\0"),
        Event::text("one").event("a\rdata: injected"),
    ];
    for event in broken {
        let items = stream::iter([Event::text("before"), event, Event::text("after")]);
        let policy = OnError::event(|error| {
            assert!(error.is_encode());
            Event::text("last").event("error")
        });
        let mut sse = get(answering(Sse::new(items).on_error(policy)), "/").await;
        sse.expect_message().text("before").await;
        sse.expect_event("error").text("last").await;
        sse.expect_end().await;
        let sent = String::from_utf8_lossy(sse.raw()).into_owned();
        assert!(
            !sent.contains("one") && !sent.contains("injected"),
            "{sent:?}"
        );
    }
}

#[tokio::test]
async fn a_stream_ends_when_its_future_is_done_and_nothing_is_sent_after_that() {
    let (logout, logged_out) = oneshot::channel::<()>();
    let ticks = stream::repeat("tick").then(async |tick| {
        sleep(Duration::from_secs(1)).await;
        tick
    });
    let mut sse = get(answering(Sse::text(ticks).until(logged_out)), "/").await;
    sse.expect_message().text("tick").await;
    logout.send(()).unwrap();
    sse.expect_end().await;
    assert_eq!(sse.elapsed(), Duration::from_secs(1));
}

#[tokio::test]
async fn what_is_ready_when_the_future_is_done_is_not_sent() {
    let ready = Sse::text(stream::repeat("too late")).until(std::future::ready(()));
    let mut sse = get(answering(ready), "/").await;
    sse.expect_opening().await;
    sse.expect_end().await;
}

#[tokio::test]
async fn a_large_last_event_is_sent_although_the_stream_has_ended() {
    // Polled as hyper does, which asks no further once the body says that it is at its end.
    let small = Event::text("small").to_frame().unwrap();
    let large = Event::text("x".repeat(10_000)).to_frame().unwrap();
    let policy = {
        let large = "x".repeat(10_000);
        OnError::event(move |_| Event::text(large.clone()))
    };
    let failing = stream::iter([Ok(small.clone()), Err(io::Error::other("gone"))]);
    let mut body = Box::pin(
        Sse::new(failing)
            .on_error(policy)
            .into_http_response()
            .into_body(),
    );
    let mut sent = Vec::new();
    while !body.is_end_stream() {
        sent.extend(body.frame().await.unwrap().unwrap().into_data().unwrap());
    }
    let expected = [b":\n", small.as_bytes(), large.as_bytes()].concat();
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_server_can_flush_what_came_before_an_error() {
    for size in [1, 8192] {
        let items = stream::iter([
            Ok(Event::text("x".repeat(size))),
            Err(io::Error::other("gone")),
        ]);
        let mut body = Box::pin(Sse::new(items).into_http_response().into_body());
        assert!(body.frame().await.unwrap().is_ok());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(
            body.as_mut().poll_frame(&mut cx).is_pending(),
            "no time to flush"
        );
        assert!(body.frame().await.unwrap().is_err());
        assert!(body.frame().await.is_none());
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Order {
    Created { id: u32 },
    OutForDelivery(String),
    Delivered,
}

#[tokio::test]
async fn typed_streams_need_no_event_built_by_hand() {
    let mut sse = get(
        answering(Sse::json(stream::iter([1, 2])).event("count")),
        "/",
    )
    .await;
    sse.expect_event("count").json(&1).await;
    sse.expect_event("count").json(&2).await;
    sse.expect_end().await;

    let orders = [
        Order::Created { id: 7 },
        Order::OutForDelivery("van".into()),
        Order::Delivered,
    ];
    let mut sse = get(answering(Sse::tagged(stream::iter(orders))), "/").await;
    sse.expect_event("created")
        .json(&serde_json::json!({"id": 7}))
        .await;
    sse.expect_tagged(&Order::OutForDelivery("van".into()))
        .await;
    sse.expect_event("delivered").text("null").await;

    let values = stream::iter([Ok(vec![1]), Err(io::Error::other("gone"))]);
    let mut sse = get(answering(Sse::try_json(values)), "/").await;
    sse.expect_message().json(&[1]).await;
    sse.expect_error().await;

    let texts = stream::iter([Ok("a\r\nb"), Err(io::Error::other("gone"))]);
    let mut sse = get(answering(Sse::try_text(texts).event("line")), "/").await;
    sse.expect_event("line").text("a\nb").await;
    sse.expect_error().await;

    let tagged = stream::iter([Ok(Order::Delivered), Err(io::Error::other("gone"))]);
    let mut sse = get(answering(Sse::try_tagged(tagged)), "/").await;
    sse.expect_tagged(&Order::Delivered).await;
    sse.expect_error().await;
}

#[tokio::test]
async fn the_streams_name_is_for_events_with_data_and_no_name() {
    let events = stream::iter([
        Event::text("unnamed"),
        Event::text("named").event("own"),
        Event::default().id("cursor"),
        Event::default().comment("just a comment"),
    ]);
    let mut sse = get(answering(Sse::new(events).event("default")), "/").await;
    sse.expect_event("default").text("unnamed").await;
    sse.expect_event("own").text("named").await;
    sse.expect_id("cursor").await;
    sse.expect_comment("just a comment").await;
    sse.expect_end().await;
    assert!(
        Sse::new(stream::empty::<Event>())
            .try_event("a\nb")
            .is_err()
    );
}

#[tokio::test]
async fn branches_that_stream_different_things_have_one_type() {
    fn answer(path: &str) -> Sse<BoxEventStream> {
        match path {
            "/numbers" => Sse::json(stream::iter([1])).event("number").boxed(),
            "/frames" => Sse::new(stream::once(async { Event::text("f").to_frame() })).boxed(),
            _ => Sse::stop(),
        }
    }
    let service = || {
        SseLayer::new().layer(service_fn(async |request: Request<TestBody>| {
            Ok::<_, Infallible>(answer(request.uri().path()))
        }))
    };
    get(service(), "/numbers")
        .await
        .expect_event("number")
        .json(&1)
        .await;
    get(service(), "/frames")
        .await
        .expect_message()
        .text("f")
        .await;
    let mut stop = get(service(), "/elsewhere").await;
    stop.expect_status(204).expect_no_header("content-type");
    assert_eq!(stop.body_text().await, "");
}

#[tokio::test]
async fn a_handler_adds_headers_and_cookies_and_wins_but_for_the_content_type() {
    let value = HeaderValue::from_static;
    let sse = Sse::new(stream::empty::<Event>())
        .header(header::CONTENT_TYPE, value("text/plain"))
        .header(header::CACHE_CONTROL, value("no-store"))
        .header(header::VARY, value("a"))
        .header(header::VARY, value("b"))
        .cookie(value("one=1"))
        .cookie(value("two=2"));
    let sse = get(answering(sse), "/").await;
    sse.expect_header("content-type", "text/event-stream")
        .expect_header("cache-control", "no-store")
        .expect_header("vary", "b");
    let cookies: Vec<_> = sse.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["one=1", "two=2"]);
}

#[tokio::test]
async fn without_a_layer_a_stream_has_heartbeats_only_if_it_asks() {
    let service = |sse: Sse<stream::Pending<Event>>| {
        let mut response = Some(sse.into_http_response());
        service_fn(move |_: Request<TestBody>| {
            let response = response.take().unwrap();
            async { Ok::<_, Infallible>(response) }
        })
    };
    let mut silent = get(service(Sse::new(stream::pending())), "/").await;
    silent.expect_header("content-type", "text/event-stream");
    silent.expect_opening().await;
    silent.expect_idle(Duration::from_secs(600)).await;

    let kept = Sse::new(stream::pending()).keep_alive(KeepAlive::new());
    let mut kept = get(service(kept), "/").await;
    kept.expect_idle(Duration::from_millis(14_900)).await;
    kept.expect_heartbeat().await;
}

#[tokio::test]
async fn without_a_layer_a_streams_own_settings_hold() {
    let service = |sse: Sse<stream::BoxStream<'static, io::Result<Event>>>| {
        let mut response = Some(sse.into_http_response());
        service_fn(move |_: Request<TestBody>| {
            let response = response.take().unwrap();
            async { Ok::<_, Infallible>(response) }
        })
    };
    let pending = Sse::new(stream::pending().boxed());
    let pending = pending
        .retry(Duration::from_secs(2))
        .max_lifetime(Duration::from_secs(50));
    let mut sse = get(service(pending), "/").await;
    sse.expect_retry(Duration::from_secs(2)).await;
    sse.expect_idle(Duration::from_secs(39)).await;
    sse.expect_end().await;

    let failing = stream::iter([Err(io::Error::other("gone"))]).boxed();
    let mut sse = get(service(Sse::new(failing).on_error(OnError::close())), "/").await;
    sse.expect_opening().await;
    sse.expect_end().await;
}

#[tokio::test]
async fn what_the_stream_says_wins_over_the_layer() {
    let layer = SseLayer::new()
        .retry(Duration::from_secs(9))
        .on_error(OnError::close());
    let service = layer.layer(service_fn(async |_: Request<TestBody>| {
        let failing = stream::iter([Err::<Event, _>(io::Error::other("gone"))]);
        let failing = stream::once(sleep(Duration::from_secs(60)))
            .map(|()| Ok(Event::text("late")))
            .chain(failing);
        Ok::<_, Infallible>(
            Sse::new(failing)
                .no_keep_alive()
                .retry(Duration::from_secs(1))
                .on_error(OnError::abort()),
        )
    }));
    let mut sse = get(service, "/").await;
    sse.expect_retry(Duration::from_secs(1)).await;
    sse.expect_idle(Duration::from_secs(59)).await;
    sse.expect_message().text("late").await;
    sse.expect_error().await;
}

#[test]
fn a_stream_that_is_neither_send_nor_static_can_be_sent() {
    let log = RefCell::new(Vec::new());
    let words = [Rc::new("a"), Rc::new("b")];
    let stream = stream::iter(&words).map(|word| {
        log.borrow_mut().push(Rc::clone(word));
        Event::new(**word)
    });
    let mut body = std::pin::pin!(Sse::new(stream).into_http_response().into_body());
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(&mut cx) else {
        panic!("events were ready");
    };
    assert_eq!(frame.into_data().unwrap(), ":\ndata: a\n\ndata: b\n\n");
    assert!(body.is_end_stream());
    drop(log);
}

#[test]
fn outside_of_a_runtime_there_are_no_heartbeats_and_no_panic() {
    let sse = Sse::new(stream::pending::<Event>())
        .keep_alive(KeepAlive::new())
        .max_lifetime(Duration::from_secs(1));
    let mut body = std::pin::pin!(sse.into_http_response().into_body());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(body.as_mut().poll_frame(&mut cx).is_ready());
    assert!(body.as_mut().poll_frame(&mut cx).is_pending());
}

#[tokio::test(start_paused = true)]
async fn durations_beyond_any_clock_mean_never() {
    let sse = Sse::new(stream::pending::<Event>())
        .keep_alive(sse_layer::KeepAlive::new().interval(Duration::MAX))
        .max_lifetime(Duration::MAX)
        .retry(Duration::MAX);
    let drain = sse_layer::Drain::new()
        .window(Duration::MAX)
        .deadline(Duration::MAX);
    let layer = SseLayer::new().drain(drain.clone());
    let mut sse = Some(sse);
    let service = layer.layer(service_fn(move |_: Request<TestBody>| {
        let sse = sse.take().unwrap();
        async { Ok::<_, Infallible>(sse) }
    }));
    let mut sse = get(service, "/").await;
    sse.expect_opening().await;
    drain.begin();
    sse.expect_idle(Duration::from_secs(1_000_000)).await;
}

/// Not `Sync`, as the streams of `async_stream` and many others aren't.
struct NotSync(RefCell<Vec<&'static str>>);

impl Stream for NotSync {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Event>> {
        Poll::Ready(self.0.borrow_mut().pop().map(Event::text))
    }
}

#[tokio::test]
async fn axum_takes_a_stream_that_is_send_but_not_sync() {
    let streams = || NotSync(RefCell::new(vec!["two", "one"]));
    let handler = axum::routing::get(async move || Sse::new(streams()));
    let around = service_fn(move |_: Request<axum::body::Body>| {
        let sse = Sse::new(streams());
        async { Ok::<_, Infallible>(sse) }
    });
    let app = axum::Router::new()
        .route("/handler", handler)
        .route_service("/around", SseLayer::new().layer(around));
    for uri in ["/handler", "/around"] {
        let mut sse = get(app.clone(), uri).await;
        sse.expect_message().text("one").await;
        sse.expect_message().text("two").await;
        sse.expect_end().await;
    }
}

#[tokio::test]
async fn the_handlers_error_passes_through_the_layer() {
    let service = SseLayer::new().layer(service_fn(async |_: Request<()>| {
        Err::<Sse<stream::Empty<Event>>, _>(io::Error::other("down"))
    }));
    let error = service.oneshot(Request::new(())).await.unwrap_err();
    assert_eq!(error.to_string(), "down");
}
