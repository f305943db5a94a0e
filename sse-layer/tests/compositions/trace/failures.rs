//! What counts as a failure, and what does not.

use std::io;

use axum::Router;
use http::{HeaderMap, Response};
use sse_layer::{OnError, SseLayer};
use sse_testkit::get;
use tower_http::classify::{
    ClassifiedResponse, ClassifyEos, ClassifyResponse, ServerErrorsFailureClass, SharedClassifier,
};

use super::{Log, traced, two_events_and, with_default_classifier};
use crate::app::Watched;

fn failing() -> Router {
    two_events_and(Some(io::Error::other("the database is gone")))
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
