//! What the layer does, whatever it stands around.

use std::{
    collections::HashSet,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{StreamExt, future, stream};
use http::Method;
use serde_json::json;
use sse_layer::{ConnectionLimit, Drain, Event, KeepAlive, OnError, OverLimit, SseLayer};
use sse_testkit::get;
use tokio::time::sleep;

use crate::form::{Form, NOT_A_STREAM, Texts};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn silence() -> Texts {
    Box::pin(stream::pending())
}

fn texts(texts: &'static [&'static str]) -> impl Fn() -> Texts + Clone + Send + Sync + 'static {
    || Box::pin(stream::iter(texts.iter().copied().map(Ok)))
}

fn failing() -> Texts {
    let failure = stream::iter([Ok("one"), Err(io::Error::other("secret of the server"))]);
    Box::pin(failure.chain(stream::pending()))
}

/// One event after each pause, then silence.
fn paced(pauses: &'static [u64]) -> impl Fn() -> Texts + Clone + Send + Sync + 'static {
    || {
        let events = stream::iter(pauses.iter()).then(async |&pause| {
            sleep(secs(pause)).await;
            Ok("event")
        });
        Box::pin(events.chain(stream::pending()))
    }
}

pub(crate) async fn the_head_is_that_of_an_event_stream(form: Form) {
    let sse = get(form.app(&SseLayer::new(), silence), "/").await;
    sse.expect_status(200)
        .expect_header("x-accel-buffering", "no");
    let content_type = sse.headers()["content-type"].to_str().unwrap();
    assert!(
        content_type
            .to_ascii_lowercase()
            .starts_with("text/event-stream")
    );
    let cache_control = sse.headers()["cache-control"].to_str().unwrap();
    // What the handler set itself wins, as axum's `Sse` does.
    assert!(cache_control.starts_with("no-cache"), "{cache_control}");
    for header in ["content-length", "content-encoding", "connection"] {
        sse.expect_no_header(header);
    }
}

pub(crate) async fn events_arrive_as_they_were_sent(form: Form) {
    let mut sse = get(
        form.app(&SseLayer::new(), texts(&["one", "two", "three"])),
        "/",
    )
    .await;
    for text in ["one", "two", "three"] {
        sse.expect_message().text(text).await;
    }
    sse.expect_end().await;
}

pub(crate) async fn the_first_bytes_leave_before_the_first_event(form: Form) {
    let mut sse = get(form.app(&SseLayer::new(), silence), "/").await;
    sse.expect_opening().await;
    assert_eq!(sse.elapsed(), Duration::ZERO);
    assert!(sse.raw().starts_with(b":\n"));
}

pub(crate) async fn the_first_bytes_tell_the_retry(form: Form) {
    let layer = SseLayer::new().retry(millis(2500));
    let mut sse = get(form.app(&layer, texts(&["one"])), "/").await;
    sse.expect_retry(millis(2500)).await;
    sse.expect_message().text("one").await;
    // No blank line behind it: naive clients dispatch an event for each.
    assert!(sse.raw().starts_with(b"retry: 2500\n"));
    assert!(!sse.raw().starts_with(b"retry: 2500\n\n"));
}

pub(crate) async fn silence_is_broken_by_heartbeats_and_events_postpone_them(form: Form) {
    let mut sse = get(form.app(&SseLayer::new(), paced(&[10, 14])), "/").await;
    sse.expect_idle(secs(9)).await;
    sse.expect_message().await;
    sse.expect_idle(secs(13)).await;
    sse.expect_message().await;
    for _ in 0..3 {
        sse.expect_idle(millis(14_900)).await;
        sse.expect_heartbeat().await;
    }
    assert_eq!(sse.elapsed(), secs(10 + 14 + 3 * 15));
}

pub(crate) async fn heartbeats_can_be_events_bare_lines_or_none(form: Form) {
    let beat = Event::default().event("beat").data("still here");
    let layer = SseLayer::new().keep_alive(KeepAlive::new().interval(secs(5)).event(beat));
    let mut sse = get(form.app(&layer, silence), "/").await;
    sse.expect_no_event(millis(4900)).await;
    sse.expect_event("beat").text("still here").await;

    let bare = KeepAlive::new().interval(secs(5)).text("alive").bare_line();
    let mut sse = get(form.app(&SseLayer::new().keep_alive(bare), silence), "/").await;
    assert_eq!(sse.expect_heartbeat().await, "alive");
    assert_eq!(sse.raw(), b":\n: alive\n");

    let mut sse = get(form.app(&SseLayer::new().no_keep_alive(), silence), "/").await;
    sse.expect_opening().await;
    sse.expect_idle(secs(3600)).await;
}

pub(crate) async fn a_permit_lasts_as_long_as_its_stream(form: Form) {
    let limit = ConnectionLimit::new(2);
    let app = form.app(&SseLayer::new().limit(limit.clone()), silence);
    let mut one = get(app.clone(), "/").await;
    one.expect_status(200);
    let two = get(app.clone(), "/").await;
    one.expect_opening().await;
    one.expect_no_event(secs(60)).await;
    assert_eq!((limit.current(), limit.rejected()), (2, 0));
    get(app.clone(), "/").await.expect_status(429);
    drop(one);
    assert_eq!(limit.current(), 1);
    get(app.clone(), "/").await.expect_status(200);
    drop(two);
    assert_eq!((limit.current(), limit.peak(), limit.rejected()), (0, 2, 1));
}

pub(crate) async fn a_refused_stream_is_told_why_and_never_polled(form: Form) {
    let polls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&polls);
    let limit = ConnectionLimit::new(0);
    let app = form.app(&SseLayer::new().limit(limit.clone()), move || {
        let polls = Arc::clone(&counted);
        Box::pin(stream::poll_fn(move |_| {
            polls.fetch_add(1, SeqCst);
            std::task::Poll::Pending
        }))
    });
    // With `Accept` the handler does not run; without it the response is what tells.
    for accept in ["text/event-stream", "*/*"] {
        let mut refused = get(app.clone(), "/").header("accept", accept).await;
        refused.expect_status(429).expect_header("retry-after", "5");
        refused.expect_header("content-type", "application/json");
        let body: serde_json::Value = refused.body_json().await;
        let told = json!({"error": "too many open event streams", "maxConnections": 0});
        assert_eq!(body, told);
    }
    assert_eq!(polls.load(SeqCst), 0);
    assert_eq!(limit.rejected(), 2);
}

pub(crate) async fn those_turned_away_are_spread_over_the_window(form: Form) {
    let over = OverLimit::retry_later(secs(60));
    let limit = ConnectionLimit::new(0).over_limit(over);
    let app = form.app(&SseLayer::new().limit(limit), silence);
    let mut retries = Vec::new();
    for _ in 0..50 {
        let mut turned_away = get(app.clone(), "/").await;
        turned_away
            .expect_status(200)
            .expect_header("content-type", "text/event-stream");
        turned_away.expect_end().await;
        retries.push(turned_away.retry());
    }
    assert!(
        retries
            .iter()
            .all(|retry| (secs(1)..=secs(60)).contains(retry)),
        "{retries:?}"
    );
    let (min, max) = (retries.iter().min().unwrap(), retries.iter().max().unwrap());
    assert!(*max - *min > secs(20), "{retries:?}");
}

pub(crate) async fn a_key_has_a_limit_of_its_own(form: Form) {
    let limit =
        ConnectionLimit::new(10).per_key(1, |request| request.headers.get("x-user").cloned());
    let app = form.app(&SseLayer::new().limit(limit.clone()), silence);
    let ada = get(app.clone(), "/").header("x-user", "ada").await;
    ada.expect_status(200);
    let mut again = get(app.clone(), "/").header("x-user", "ada").await;
    again.expect_status(429);
    assert_eq!(
        again.body_json::<serde_json::Value>().await["maxConnections"],
        1
    );
    let other = get(app.clone(), "/").header("x-user", "bob").await;
    other.expect_status(200);
    let nobody = [get(app.clone(), "/").await, get(app.clone(), "/").await];
    nobody.iter().for_each(|nobody| {
        nobody.expect_status(200);
    });
    assert_eq!((limit.current(), limit.rejected()), (4, 1));
    drop(ada);
    get(app, "/")
        .header("x-user", "ada")
        .await
        .expect_status(200);
}

pub(crate) async fn a_drain_ends_streams_inside_its_window_with_a_farewell(form: Form) {
    let drain = Drain::new()
        .window(secs(10))
        .retry(secs(2)..=secs(4))
        .farewell(Event::text("back soon").event("bye"));
    let layer = SseLayer::new().no_keep_alive().drain(drain.clone());
    let app = form.app(&layer, silence);
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(get(app.clone(), "/").await);
    }
    assert_eq!(drain.open(), 20);
    let begun = tokio::time::Instant::now();
    drain.begin();
    let (mut ends, mut retries) = (Vec::new(), HashSet::new());
    future::join_all(streams.iter_mut().map(async |sse| {
        sse.expect_event("bye").text("back soon").await;
        sse.expect_end().await;
        assert!(
            (secs(2)..=secs(4)).contains(&sse.retry()),
            "{:?}",
            sse.retry()
        );
        (begun.elapsed(), sse.retry())
    }))
    .await
    .into_iter()
    .for_each(|(end, retry)| {
        ends.push(end);
        retries.insert(retry);
    });
    assert!(retries.len() > 10, "{retries:?}");
    drop(streams);
    assert_eq!(drain.finished().await, Ok(()));
    assert!(ends.iter().all(|end| *end <= millis(10_005)), "{ends:?}");
    assert!(
        *ends.iter().max().unwrap() - *ends.iter().min().unwrap() > secs(3),
        "{ends:?}"
    );
}

pub(crate) async fn a_drain_answers_new_streams_with_another_time(form: Form) {
    let drain = Drain::new().retry(secs(7)..=secs(7));
    let app = form.app(&SseLayer::new().drain(drain.clone()), silence);
    drain.begin();
    let mut reconnected = get(app.clone(), "/").await;
    reconnected
        .expect_status(200)
        .expect_header("content-type", "text/event-stream");
    reconnected.expect_end().await;
    assert_eq!(reconnected.retry(), secs(7));
    // To a client that is no `EventSource` an empty 200 would look like success.
    let mut other = get(app.clone(), "/").header("accept", "*/*").await;
    other.expect_status(503).expect_header("retry-after", "7");
    let told = json!({"error": "the server is shutting down"});
    assert_eq!(other.body_json::<serde_json::Value>().await, told);
    get(app, "/plain")
        .header("accept", "*/*")
        .await
        .expect_status(404);
    assert_eq!(drain.open(), 0);
}

pub(crate) async fn a_finite_stream_may_outlive_the_window_but_not_the_deadline(form: Form) {
    let drain = Drain::new().window(secs(1)).deadline(secs(20));
    let layer = SseLayer::new().drain(drain.clone());
    let answer = form.app(&layer, || {
        let tokens = stream::iter(["a", "b"]).then(async |token| {
            sleep(secs(8)).await;
            Ok(token)
        });
        Box::pin(tokens)
    });
    let endless = form.app(&layer, paced(&[8, 8, 8, 8, 8]));
    let mut answer = get(answer, "/finite").await;
    let mut endless = get(endless, "/finite").await;
    drain.begin();
    tokio::join!(
        async {
            answer.expect_message().text("a").await;
            answer.expect_message().text("b").await;
            answer.expect_end().await;
            assert_eq!(answer.elapsed(), secs(16));
        },
        async {
            assert_eq!(endless.collect_to_end().await.len(), 2);
            assert_eq!(endless.elapsed(), secs(20));
        }
    );
    assert_eq!(drain.finished().await, Ok(()));
}

pub(crate) async fn a_finite_stream_is_known_through_all_layers(form: Form) {
    for begins in [0, 1] {
        let drains = [Drain::new(), Drain::new()].map(|drain| drain.window(secs(1)));
        let layers = drains
            .each_ref()
            .map(|drain| SseLayer::new().drain(drain.clone()));
        let app = form.app_in(&[&layers[0], &layers[1]], paced(&[8]));
        let mut sse = get(app, "/finite").await;
        drains[begins].begin();
        sse.expect_message().await;
        assert_eq!(sse.elapsed(), secs(8));
    }
}

pub(crate) async fn request_parts_are_gone_before_the_stream_begins(form: Form) {
    let extension = Arc::new(());
    let app = form.app(&SseLayer::new(), silence);
    let kept = extension.clone();
    let app = tower::ServiceExt::map_request(app, move |mut request: http::Request<_>| {
        request.extensions_mut().insert(Arc::clone(&kept));
        request
    });
    let before = Arc::strong_count(&extension);
    let mut sse = get(app, "/").await;
    sse.expect_opening().await;
    assert_eq!(Arc::strong_count(&extension), before);
}

pub(crate) async fn jitter_shortens_each_silence_anew(form: Form) {
    let keep_alive = KeepAlive::new().interval(secs(10)).jitter(0.5);
    let mut sse = get(
        form.app(&SseLayer::new().keep_alive(keep_alive), silence),
        "/",
    )
    .await;
    let mut beats = vec![Duration::ZERO];
    for _ in 0..20 {
        sse.expect_heartbeat().await;
        beats.push(sse.elapsed());
    }
    let silences: Vec<_> = beats.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let (min, max) = (
        silences.iter().min().unwrap(),
        silences.iter().max().unwrap(),
    );
    assert!(*min >= secs(5) && *max <= millis(10_005), "{silences:?}");
    assert!(*max - *min > secs(1), "{silences:?}");
}

pub(crate) async fn a_stream_ends_between_four_fifths_and_all_of_its_lifetime(form: Form) {
    // A farewell is for the end that a drain makes.
    let drain = Drain::new().farewell(Event::text("bye").event("bye"));
    let layer = SseLayer::new().max_lifetime(secs(100)).drain(drain);
    let app = form.app(&layer, paced(&[1; 200]));
    let mut ends = Vec::new();
    for _ in 0..20 {
        let mut sse = get(app.clone(), "/").await;
        let events = sse.collect_to_end().await;
        assert!(events.iter().all(|event| event.event == "message"));
        ends.push(sse.elapsed());
    }
    assert!(
        ends.iter()
            .all(|end| (secs(80)..=millis(100_005)).contains(end)),
        "{ends:?}"
    );
    assert!(
        *ends.iter().max().unwrap() - *ends.iter().min().unwrap() > secs(4),
        "{ends:?}"
    );
}

pub(crate) async fn a_head_request_gets_the_head_and_takes_no_permit(form: Form) {
    let limit = ConnectionLimit::new(0).when(|_| true);
    let app = form.app(&SseLayer::new().limit(limit.clone()), silence);
    let mut head = get(app, "/").method(Method::HEAD).await;
    head.expect_status(200)
        .expect_header("x-accel-buffering", "no");
    head.expect_no_header("content-length");
    assert_eq!(head.body_text().await, "");
    assert_eq!((limit.peak(), limit.rejected()), (0, 0));
}

pub(crate) async fn a_failed_stream_breaks_off_by_default(form: Form) {
    let limit = ConnectionLimit::new(1);
    let mut sse = get(
        form.app(&SseLayer::new().limit(limit.clone()), failing),
        "/",
    )
    .await;
    sse.expect_message().text("one").await;
    sse.expect_error().await;
    assert_eq!(limit.current(), 0);
}

pub(crate) async fn a_failed_stream_can_end_as_if_nothing_was(form: Form) {
    let mut sse = get(
        form.app(&SseLayer::new().on_error(OnError::close()), failing),
        "/",
    )
    .await;
    sse.expect_message().text("one").await;
    sse.expect_end().await;
}

pub(crate) async fn a_failed_stream_can_end_with_an_event(form: Form) {
    let policy = OnError::event(|_| Event::text("try again later").event("error"));
    let mut sse = get(form.app(&SseLayer::new().on_error(policy), failing), "/").await;
    sse.expect_message().text("one").await;
    sse.expect_event("error").text("try again later").await;
    sse.expect_end().await;
    assert!(!String::from_utf8_lossy(sse.raw()).contains("secret"));
}

pub(crate) async fn what_the_stream_says_wins_over_the_layer(form: Form) {
    let layer = SseLayer::new()
        .retry(secs(9))
        .on_error(OnError::close())
        .max_lifetime(secs(100));
    let late_failure = || -> Texts {
        Box::pin(stream::once(async {
            sleep(secs(300)).await;
            Err(io::Error::other("gone"))
        }))
    };
    let mut sse = get(form.app(&layer, late_failure), "/own")
        .timeout(secs(1000))
        .await;
    sse.expect_opening().await;
    sse.expect_idle(secs(299)).await;
    assert_eq!(sse.retry(), secs(1));
    sse.expect_error().await;
}

pub(crate) async fn an_event_that_cannot_be_written_is_told_from_a_stream_that_failed(form: Form) {
    let policy = OnError::event(|error| {
        Event::text(if error.is_encode() {
            "encode"
        } else {
            "stream"
        })
    });
    let layer = SseLayer::new().on_error(policy);
    let mut failed = get(form.app(&layer, failing), "/").await;
    failed.expect_message().text("one").await;
    failed.expect_message().text("stream").await;
    let mut broken = get(form.app(&layer, texts(&["never sent"])), "/broken").await;
    broken.expect_message().text("encode").await;
    broken.expect_end().await;
}

pub(crate) async fn what_is_no_stream_passes_as_it_is(form: Form) {
    let limit = ConnectionLimit::new(1);
    let app = form.app(&SseLayer::new().limit(limit.clone()), silence);
    let held = get(app.clone(), "/plain").await;
    let mut plain = get(app, "/plain").await;
    plain.expect_status(404);
    plain
        .expect_no_header("x-accel-buffering")
        .expect_no_header("cache-control");
    // A permit taken early for what turned out to be no stream is given back at once.
    assert_eq!((limit.current(), limit.rejected()), (0, 0));
    assert_eq!(plain.body_text().await, NOT_A_STREAM);
    drop(held);
}

pub(crate) async fn a_dropped_body_drops_the_stream(form: Form) {
    let open = Arc::new(());
    let held = Arc::clone(&open);
    let drain = Drain::new();
    let limit = ConnectionLimit::new(1);
    let layer = SseLayer::new().limit(limit.clone()).drain(drain.clone());
    let app = form.app(&layer, move || {
        let owned = Arc::clone(&held);
        Box::pin(stream::poll_fn(move |_| {
            let _ = &owned;
            std::task::Poll::Pending
        }))
    });
    let before = Arc::strong_count(&open);
    let mut sse = get(app, "/").await;
    sse.expect_opening().await;
    assert_eq!(Arc::strong_count(&open), before + 1);
    assert_eq!((limit.current(), drain.open()), (1, 1));
    sse.close();
    assert_eq!(Arc::strong_count(&open), before);
    assert_eq!((limit.current(), drain.open()), (0, 0));
}

pub(crate) async fn layers_within_layers_add_up_and_the_inner_heartbeat_wins(form: Form) {
    let (limits, drains) = (
        [2, 1].map(ConnectionLimit::new),
        [Drain::new(), Drain::new()],
    );
    let layer = |index: usize, text: &str, interval| {
        SseLayer::new()
            .keep_alive(KeepAlive::new().interval(secs(interval)).text(text))
            .limit(limits[index].clone())
            .drain(drains[index].clone().window(Duration::ZERO))
    };
    let (inner, outer) = (layer(0, "inner", 20), layer(1, "outer", 5));
    let app = form.app_in(&[&inner, &outer], silence);
    let mut sse = get(app.clone(), "/").await;
    sse.expect_opening().await;
    assert_eq!(limits.each_ref().map(ConnectionLimit::current), [1, 1]);
    get(app.clone(), "/").await.expect_status(429);
    sse.expect_idle(millis(19_900)).await;
    assert_eq!(sse.expect_heartbeat().await, "inner");
    sse.expect_idle(millis(19_900)).await;
    drains[0].begin();
    sse.expect_end().await;
    drop(sse);
    assert_eq!(limits.each_ref().map(ConnectionLimit::current), [0, 0]);
}
