//! POST requests whose answer is a stream, and limits on their bodies.

use axum::{Json, Router, body::Body, extract::DefaultBodyLimit, routing::post};
use futures_util::stream;
use http::{Request, header::CONTENT_LENGTH};
use serde::Deserialize;
use serde_json::{Value, json};
use sse_layer::Sse;
use sse_testkit::{RequestBuilder, request};
use tower::ServiceExt;
use tower_http::limit::RequestBodyLimitLayer;

use crate::app::Watched;

const LIMIT: usize = 40;

#[derive(Deserialize)]
struct Prompt {
    prompt: String,
}

/// Streams the words of the prompt.
fn completions() -> Router {
    let complete = async |Json(Prompt { prompt }): Json<Prompt>| {
        let words: Vec<_> = prompt.split(' ').map(str::to_owned).collect();
        Sse::text(stream::iter(words)).finite()
    };
    Router::new().route("/", post(complete))
}

/// Each way to limit a body, around the layer and inside of it.
fn in_every_form(watched: &Watched) -> [Router; 4] {
    let tower_http = RequestBodyLimitLayer::new(LIMIT);
    let axum = DefaultBodyLimit::max(LIMIT);
    [
        completions().layer(watched.layer()).layer(tower_http),
        completions().layer(tower_http).layer(watched.layer()),
        completions().layer(watched.layer()).layer(axum),
        completions().layer(axum).layer(watched.layer()),
    ]
}

fn ask(app: Router, body: &Value, tells_length: bool) -> RequestBuilder {
    let body = body.to_string();
    let mut prompt = Request::post("/")
        .header("content-type", "application/json")
        .header("accept", "text/event-stream")
        .body(body.clone())
        .unwrap();
    if tells_length {
        prompt
            .headers_mut()
            .insert(CONTENT_LENGTH, body.len().into());
    }
    // In one piece of unknown length, as a chunked request has it.
    let app = app.map_request(|request: Request<sse_testkit::Body>| {
        request.map(|body| Body::from_stream(http_body_util::BodyDataStream::new(body)))
    });
    request(app, prompt)
}

#[tokio::test]
async fn a_body_over_the_limit_is_told_so_and_makes_no_stream() {
    let prompt = json!({"prompt": "more than forty bytes can hold of words"});
    for tells_length in [true, false] {
        let watched = Watched::new(1);
        for app in in_every_form(&watched) {
            let mut refused = ask(app, &prompt, tells_length).await;
            refused
                .expect_status(413)
                .expect_header("content-type", "text/plain; charset=utf-8")
                .expect_no_header("x-accel-buffering");
            let told = refused.body_text().await;
            assert!(told.contains("length limit exceeded"), "{told}");
            assert_eq!((watched.limit.current(), watched.drain.open()), (0, 0));
        }
        assert_eq!(watched.limit.rejected(), 0);
    }
}

#[tokio::test]
async fn a_limit_in_front_of_the_layer_turns_a_told_length_away_before_a_permit_is_taken() {
    let prompt = json!({"prompt": "more than forty bytes can hold of words"});
    for (form, peak) in [(0, 0), (1, 1)] {
        let watched = Watched::new(1);
        let app = in_every_form(&watched)[form].clone();
        ask(app, &prompt, true).await.expect_status(413);
        watched.expect_all_given_back(peak);
    }
}

#[tokio::test]
async fn a_body_under_the_limit_gets_its_stream() {
    let prompt = json!({"prompt": "three words here"});
    for tells_length in [true, false] {
        let watched = Watched::new(1);
        for app in in_every_form(&watched) {
            let mut sse = ask(app, &prompt, tells_length).await;
            sse.expect_status(200)
                .expect_header("content-type", "text/event-stream");
            for word in ["three", "words", "here"] {
                sse.expect_message().text(word).await;
            }
            sse.expect_end().await;
            watched.expect_all_given_back(1);
        }
    }
}

#[tokio::test]
async fn a_body_that_is_no_prompt_is_told_so_by_the_extractor() {
    let watched = Watched::new(1);
    let app = completions().layer(watched.layer());
    let mut refused = ask(app, &json!({"question": "?"}), true).await;
    refused.expect_status(422);
    assert!(refused.body_text().await.contains("missing field `prompt`"));
    watched.expect_all_given_back(1);
}
