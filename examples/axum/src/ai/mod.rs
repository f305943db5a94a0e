//! A made-up model's answers, token by token: `POST /api/ai/answers` asks for one, and
//! `GET /sse/ai/answers/{id}` streams it. `GET /sse/ai/stream?prompt=` does both.

mod answers;
mod model;

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection},
    },
    http::StatusCode,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use sse_layer::{
    LastEventId, Sse,
    hub::{Hub, Subscription},
};

use self::answers::{Answers, Refused};
pub(crate) use self::model::{MAX_PROMPT_LEN, answer, speak, tokens};
use crate::error::ApiError;

pub(crate) fn routes(hub: Hub, pace: Duration) -> Router {
    Router::new()
        .route("/api/ai/answers", post(ask))
        .route("/sse/ai/answers/{id}", get(stream))
        .route("/sse/ai/stream", get(ask_and_stream))
        .with_state(Answers::new(hub, pace))
}

#[derive(Debug, Deserialize)]
struct Question {
    #[serde(default)]
    prompt: String,
}

/// Where an answer is to be had.
#[derive(Debug, Serialize)]
struct Accepted {
    id: String,
    stream: String,
}

/// Begins an answer, whoever will read it.
async fn ask(
    State(answers): State<Answers>,
    question: Result<Json<Question>, JsonRejection>,
) -> Result<(StatusCode, Json<Accepted>), ApiError> {
    let Json(question) = question?;
    let id = answers.begin(question.checked()?).await?;
    let accepted = Accepted {
        stream: format!("/sse/ai/answers/{id}"),
        id,
    };
    Ok((StatusCode::ACCEPTED, Json(accepted)))
}

/// An answer from its beginning, or from the client's `Last-Event-ID` on: an `answer` event that
/// names it, a `token` event for each token and a `done` event behind the last.
///
/// The answer is made whether anybody reads it or not, and anybody who knows its id can, from any
/// number of places. One that comes back after `done` gets 204, which stops an `EventSource`. A
/// shutdown lets the stream come to its end.
async fn stream(
    State(answers): State<Answers>,
    id: Result<Path<String>, PathRejection>,
    last_event_id: LastEventId,
) -> Result<Sse<Subscription>, ApiError> {
    let Path(id) = id?;
    let answer = answers.follow(&id, &last_event_id).await?;
    Ok(answer.map_or_else(Sse::stop, |answer| Sse::new(answer).finite()))
}

/// Begins an answer and streams it, for clients that can do no more than open a URL.
///
/// A client that comes back has the same URL, and the id of an event of the answer to its prompt.
/// That finds the answer again; where it does not, a 404 stops an `EventSource`, since another
/// answer is not what it was reading.
async fn ask_and_stream(
    State(answers): State<Answers>,
    Query(question): Query<Question>,
    last_event_id: LastEventId,
) -> Result<Sse<Subscription>, ApiError> {
    let prompt = question.checked()?;
    let id = if last_event_id == LastEventId::default() {
        answers.begin(prompt).await?
    } else {
        let found = answers.find(&prompt, &last_event_id).await?;
        found.ok_or(Refused::Unknown)?
    };
    stream(State(answers), Ok(Path(id)), last_event_id).await
}

impl Question {
    fn checked(self) -> Result<String, ApiError> {
        let bad_request = |why: String| ApiError::new(StatusCode::BAD_REQUEST, why);
        if self.prompt.trim().is_empty() {
            return Err(bad_request("prompt: must not be empty".into()));
        }
        if self.prompt.len() > MAX_PROMPT_LEN {
            return Err(bad_request(format!(
                "prompt: must have at most {MAX_PROMPT_LEN} bytes"
            )));
        }
        Ok(self.prompt)
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unknown => Self::new(
                StatusCode::NOT_FOUND,
                "there is no such answer, or not any more",
            ),
            Refused::TooMany => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many answers are being made",
            ),
            Refused::Hub(error) => error.into(),
        }
    }
}
