//! What layers that watch requests see of a stream.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::Request, routing::get as on_get};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Response};
use sse_layer::{Event, OnError, Sse, SseLayer};
use sse_testkit::get;
use tower_http::{
    classify::{
        ClassifiedResponse, ClassifyEos, ClassifyResponse, ServerErrorsFailureClass,
        SharedClassifier,
    },
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

fn failing() -> Router {
    two_events_and(Some(io::Error::other("the database is gone")))
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
async fn an_error_of_the_stream_is_no_failure_to_the_default_classifier() {
    let log = Log::default();
    let app = with_default_classifier(failing().layer(SseLayer::new()), &log);
    let mut sse = get(app, "/").await;
    sse.expect_message().text("one").await;
    sse.expect_message().text("two").await;
    sse.expect_error().await;
    drop(sse);
    let told = log.take();
    // Neither a failure nor an end: the response was called a success with its head.
    assert!(
        !told
            .iter()
            .any(|line| line == "end" || line.starts_with("failure")),
        "{told:?}"
    );
}

/// Judges by the status, and by how the body ends.
#[derive(Clone)]
struct BodiesToo;

struct UntilTheEnd;

impl ClassifyResponse for BodiesToo {
    type FailureClass = ServerErrorsFailureClass;
    type ClassifyEos = UntilTheEnd;

    fn classify_response<B>(
        self,
        response: &Response<B>,
    ) -> ClassifiedResponse<ServerErrorsFailureClass, UntilTheEnd> {
        if response.status().is_server_error() {
            let class = ServerErrorsFailureClass::StatusCode(response.status());
            ClassifiedResponse::Ready(Err(class))
        } else {
            ClassifiedResponse::RequiresEos(UntilTheEnd)
        }
    }

    fn classify_error<E>(self, error: &E) -> ServerErrorsFailureClass
    where
        E: std::fmt::Display + 'static,
    {
        ServerErrorsFailureClass::Error(error.to_string())
    }
}

impl ClassifyEos for UntilTheEnd {
    type FailureClass = ServerErrorsFailureClass;

    fn classify_eos(self, _: Option<&HeaderMap>) -> Result<(), ServerErrorsFailureClass> {
        Ok(())
    }

    fn classify_error<E>(self, error: &E) -> ServerErrorsFailureClass
    where
        E: std::fmt::Display + 'static,
    {
        ServerErrorsFailureClass::Error(error.to_string())
    }
}

#[tokio::test]
async fn a_classifier_that_waits_for_the_end_is_told_of_an_error_once() {
    let log = Log::default();
    let app = traced(
        failing().layer(SseLayer::new()),
        &log,
        SharedClassifier::new(BodiesToo),
    );
    let mut sse = get(app, "/").await;
    sse.expect_message().text("one").await;
    sse.expect_message().text("two").await;
    sse.expect_error().await;
    drop(sse);
    let told = log.take();
    let failures: Vec<_> = told
        .iter()
        .filter(|line| line.starts_with("failure"))
        .collect();
    assert_eq!(failures.len(), 1, "{told:?}");
    assert!(failures[0].contains("the database is gone"), "{told:?}");
    assert!(!told.contains(&"end".to_owned()), "{told:?}");
}

#[tokio::test]
async fn an_error_that_the_layer_turns_into_an_end_is_an_end() {
    let log = Log::default();
    let layer = SseLayer::new().on_error(OnError::close());
    let app = traced(
        failing().layer(layer),
        &log,
        SharedClassifier::new(BodiesToo),
    );
    let mut sse = get(app, "/").await;
    sse.expect_message().text("one").await;
    sse.expect_message().text("two").await;
    sse.expect_end().await;
    drop(sse);
    let told = log.take();
    assert_eq!(told.last().unwrap(), "end", "{told:?}");
    assert!(
        !told.iter().any(|line| line.starts_with("failure")),
        "{told:?}"
    );
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
async fn a_refusal_is_a_response_around_the_layer_and_nothing_inside() {
    let (around, inside) = (Log::default(), Log::default());
    let watched = Watched::new(0);
    let app = with_default_classifier(watched.routes(), &inside).layer(watched.layer());
    let app = with_default_classifier(app, &around);
    get(app.clone(), "/").await.expect_status(429);
    assert_eq!(around.take()[0], "response 429");
    assert_eq!(inside.take(), [""; 0]);

    // A server error is a failure: a client that is no `EventSource`, in the face of a drain.
    watched.drain.begin();
    let refused = get(app, "/").method(http::Method::POST).await;
    refused.expect_status(503);
    let told = around.take();
    assert_eq!(
        told[..2],
        [
            "response 503",
            "failure: Status code: 503 Service Unavailable"
        ]
    );
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
