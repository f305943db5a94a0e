//! Chat completions as clients of the OpenAI API expect them: `POST /v1/chat/completions`.

mod error;
mod request;
mod response;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    response::{IntoResponse as _, Response},
    routing::post,
};
use futures_util::stream::{self, Stream, StreamExt as _};
use sse_layer::{EncodeError, Event, Frame, Sse};

use self::{
    error::OpenAiError,
    request::ChatRequest,
    response::{Chunk, Completion, Delta, Head, Usage},
};
use crate::{
    ai::{answer, speak, tokens},
    clock::Clock,
};

#[derive(Clone)]
struct Model {
    clock: Clock,
    pace: Duration,
    answers: Arc<AtomicU64>,
}

pub(crate) fn routes(clock: Clock, pace: Duration) -> Router {
    let model = Model {
        clock,
        pace,
        answers: Arc::default(),
    };
    Router::new()
        .route("/v1/chat/completions", post(complete))
        .with_state(model)
}

async fn complete(
    State(model): State<Model>,
    request: Result<Json<ChatRequest>, JsonRejection>,
) -> Result<Response, OpenAiError> {
    let Json(request) = request?;
    let prompt = request.prompt()?;
    let head = Head::new(
        model.answers.fetch_add(1, Relaxed) + 1,
        model.clock.now(),
        &request.model,
    );
    let answer = answer(prompt);
    let usage = Usage::new(tokens(prompt).len(), answer.len());
    if request.stream {
        let usage = request.wants_usage().then_some(usage);
        Ok(stream_answer(head, answer, model.pace, usage).into_response())
    } else {
        Ok(Json(Completion::new(head, answer.concat(), usage)).into_response())
    }
}

/// The role, the tokens, the reason for the end, the usage if it was asked for, and `[DONE]`.
///
/// No names and no ids: a chat completion is not resumed, but asked for again.
fn stream_answer(
    head: Head,
    answer: Vec<String>,
    pace: Duration,
    usage: Option<Usage>,
) -> Sse<impl Stream<Item = Result<Frame, EncodeError>>> {
    let with_usage = usage.is_some();
    let role = stream::iter([Delta::role()]);
    let contents = speak(answer, pace).map(Delta::content);
    let end = stream::iter([Delta::stop()]);
    let chunks = role
        .chain(contents)
        .chain(end)
        .map({
            let head = head.clone();
            move |delta| Chunk::new(head.clone(), delta, with_usage)
        })
        .chain(stream::iter(usage.map(|usage| Chunk::usage(head, usage))))
        .map(|chunk| Event::json(chunk).to_frame());
    let done = stream::iter([Event::text("[DONE]").to_frame()]);
    Sse::new(chunks.chain(done)).finite()
}
