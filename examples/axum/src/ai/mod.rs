//! A made-up model's answer, token by token: `GET /sse/ai/stream?prompt=`.

mod model;

use std::time::Duration;

use axum::{
    Router,
    extract::{Query, State},
    http::StatusCode,
    routing::get,
};
use futures_util::stream::{self, Stream, StreamExt as _};
use serde::{Deserialize, Serialize};
use sse_layer::{Event, Json, LastEventId, Sse};

pub(crate) use self::model::{MAX_PROMPT_LEN, answer, speak, tokens};
use crate::error::ApiError;

pub(crate) fn routes(pace: Duration) -> Router {
    Router::new()
        .route("/sse/ai/stream", get(stream_answer))
        .with_state(pace)
}

#[derive(Debug, Deserialize)]
struct Question {
    #[serde(default)]
    prompt: String,
}

/// A `token` event for each token and a `done` event behind the last.
///
/// The same prompt always gets the same answer, so a token's number is its id, and a client that
/// was cut off goes on in the middle of it. One that comes back after `done` gets 204, which stops
/// an `EventSource`. A shutdown lets the answer come to its end.
async fn stream_answer(
    State(pace): State<Duration>,
    Query(Question { prompt }): Query<Question>,
    last_event_id: LastEventId,
) -> Result<Sse<impl Stream<Item = Event<Json<Token>>>>, ApiError> {
    let bad_request = |why: String| ApiError::new(StatusCode::BAD_REQUEST, why);
    if prompt.trim().is_empty() {
        return Err(bad_request("prompt: must not be empty".into()));
    }
    if prompt.len() > MAX_PROMPT_LEN {
        return Err(bad_request(format!(
            "prompt: must have at most {MAX_PROMPT_LEN} bytes"
        )));
    }
    let mut tokens = answer(&prompt);
    let seen = last_event_id.parse().unwrap_or(0);
    if seen > tokens.len() {
        return Ok(Sse::stop());
    }
    let rest = speak(tokens.split_off(seen), pace)
        .map(|token| Token { token, done: false }.named("token"));
    let done = Token::DONE.named("done");
    let events = rest
        .chain(stream::iter([done]))
        .zip(stream::iter(seen + 1..));
    Ok(Sse::new(events.map(|(event, id)| event.with_id(id))).finite())
}

#[derive(Debug, Serialize)]
struct Token {
    token: String,
    done: bool,
}

impl Token {
    /// What is sent behind the last one.
    const DONE: Self = Self {
        token: String::new(),
        done: true,
    };

    fn named(self, name: &str) -> Event<Json<Self>> {
        Event::json(self).event(name)
    }
}
