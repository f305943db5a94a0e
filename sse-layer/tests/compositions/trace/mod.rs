//! What layers that watch requests see of a stream.

mod failures;

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::Request, routing::get as on_get};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Response};
use sse_layer::{Event, Sse, SseLayer};
use sse_testkit::get;
use tower_http::{
    classify::{ClassifyResponse, ServerErrorsFailureClass, SharedClassifier},
    metrics::InFlightRequestsLayer,
    on_early_drop::{OnBodyDropFn, OnEarlyDropLayer},
    trace::TraceLayer,
};
use tracing::Span;

use crate::app::{Watched, secs};

/// What was told, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn push(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    /// What was told since it was last asked.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// `app` with every callback of a trace layer writing to the log, and of those that tell of what
/// was dropped early.
fn traced<C>(app: Router, log: &Log, classifier: SharedClassifier<C>) -> Router
where
    C: ClassifyResponse<FailureClass = ServerErrorsFailureClass> + Clone + Send + Sync + 'static,
    C::ClassifyEos: Send,
{
    let [response, chunk, eos, failure, body_drop, future_drop] = [(); 6].map(|()| log.clone());
    let trace = TraceLayer::new(classifier)
        .on_request(())
        .on_response(move |answer: &Response<_>, _: Duration, _: &Span| {
            response.push(format!("response {}", answer.status().as_u16()));
        })
        .on_body_chunk(move |bytes: &Bytes, _: Duration, _: &Span| {
            chunk.push(format!("chunk {:?}", String::from_utf8_lossy(bytes)));
        })
        .on_eos(move |_: Option<&HeaderMap>, _: Duration, _: &Span| eos.push("end"))
        .on_failure(
            move |class: ServerErrorsFailureClass, _: Duration, _: &Span| {
                failure.push(format!("failure: {class}"));
            },
        );
    let early_drop = OnEarlyDropLayer::builder()
        .on_future_drop(move |_: &Request| {
            let log = future_drop.clone();
            move || log.push("request dropped")
        })
        .on_body_drop(OnBodyDropFn::new(move |_: &Request| {
            let log = body_drop.clone();
            move |_: &http::response::Parts| move || log.push("body dropped")
        }));
    app.layer(early_drop).layer(trace)
}

fn with_default_classifier(app: Router, log: &Log) -> Router {
    traced(
        app,
        log,
        tower_http::classify::ServerErrorsAsFailures::make_classifier(),
    )
}

/// Two events with ten seconds between, and then this.
fn two_events_and(last: Option<io::Error>) -> Router {
    let last = Arc::new(Mutex::new(last));
    Router::new().route(
        "/",
        on_get(async move || {
            let last = last.lock().unwrap().take();
            let events = stream::iter([Event::text("one"), Event::text("two")]);
            let paced = events.enumerate().then(async |(n, event)| {
                tokio::time::sleep(secs(10 * n as u64)).await;
                Ok(event)
            });
            Sse::new(paced.chain(stream::iter(last.map(Err))))
        }),
    )
}

#[tokio::test]
async fn a_response_is_told_with_its_head_before_a_byte_of_the_stream() {
    let (log, watched) = (Log::default(), Watched::new(1));
    let app = with_default_classifier(watched.routes().layer(watched.layer()), &log);
    let mut sse = get(app, "/").await;
    sse.expect_message().text("first").await;
    sse.expect_heartbeat().await;
    sse.expect_heartbeat().await;
    assert_eq!(
        log.take(),
        [
            "response 200",
            r#"chunk ":\ndata: first\n\n""#,
            r#"chunk ":\n\n""#,
            r#"chunk ":\n\n""#
        ]
    );
}

#[tokio::test]
async fn the_end_is_told_when_the_stream_ends_by_itself() {
    let log = Log::default();
    let app = with_default_classifier(two_events_and(None).layer(SseLayer::new()), &log);
    let mut sse = get(app, "/").await;
    sse.expect_message().text("one").await;
    assert!(!log.take().contains(&"end".to_owned()));
    sse.expect_message().text("two").await;
    sse.expect_end().await;
    drop(sse);
    let told = log.take();
    assert_eq!(told.last().unwrap(), "end", "{told:?}");
}

#[tokio::test]
async fn the_end_is_told_when_a_drain_ends_the_stream() {
    let (log, watched) = (Log::default(), Watched::new(1));
    let app = with_default_classifier(watched.routes().layer(watched.layer()), &log);
    let mut sse = get(app, "/").await;
    sse.expect_message().text("first").await;
    watched.drain.begin();
    sse.expect_end().await;
    assert_eq!(log.take().last().unwrap(), "end");
}

#[tokio::test]
async fn a_client_that_goes_away_is_no_end_but_an_early_drop() {
    let (log, watched) = (Log::default(), Watched::new(1));
    let app = with_default_classifier(watched.routes().layer(watched.layer()), &log);
    let mut sse = get(app.clone(), "/").await;
    sse.expect_message().text("first").await;
    log.take();
    sse.close();
    assert_eq!(log.take(), ["body dropped"]);

    // Before the head, it is the request that was dropped.
    let request = tokio::spawn(async { get(app, "/slow").await });
    tokio::task::yield_now().await;
    request.abort();
    assert!(request.await.is_err());
    assert_eq!(log.take(), ["request dropped"]);
    watched.expect_all_given_back(1);
}

#[tokio::test]
async fn inside_of_the_layer_it_sees_what_the_handler_sends_and_no_heartbeats() {
    let (log, watched) = (Log::default(), Watched::new(1));
    let app = with_default_classifier(watched.routes(), &log).layer(watched.layer());
    let mut sse = get(app, "/").await;
    sse.expect_message().text("first").await;
    sse.expect_heartbeat().await;
    sse.expect_heartbeat().await;
    assert_eq!(
        log.take(),
        ["response 200", r#"chunk ":\ndata: first\n\n""#]
    );
    watched.drain.begin();
    sse.expect_end().await;
    drop(sse);
    // To the inside, a stream that the layer ends is one that was dropped.
    assert_eq!(log.take(), ["body dropped"]);
}

#[tokio::test]
async fn requests_in_flight_are_streams_too_as_long_as_they_last() {
    let (layer, in_flight) = InFlightRequestsLayer::pair();
    let watched = Watched::new(2);
    let app = watched.routes().layer(watched.layer()).layer(layer);
    let one = get(app.clone(), "/").await;
    let mut other = get(app.clone(), "/").await;
    other.expect_message().text("first").await;
    other.expect_heartbeat().await;
    get(app, "/").await.expect_status(429);
    assert_eq!((in_flight.get(), watched.limit.current()), (2, 2));
    drop(one);
    assert_eq!(in_flight.get(), 1);
    watched.drain.begin();
    other.expect_end().await;
    drop(other);
    assert_eq!(in_flight.get(), 0);
}
