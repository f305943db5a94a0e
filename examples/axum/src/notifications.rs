//! What clients tell each other: `GET /sse/notifications` and `POST /api/notifications`.

use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
    routing::{get, post},
};
use futures_util::stream::{Stream, StreamExt as _};
use serde::Serialize;
use sse_layer::{
    EncodeError, Encoder, Event, EventData, EventName, Frame, LastEventId, Sse, Tagged,
};

use crate::{
    error::ApiError,
    journal::Journal,
    message::{Message, Notification, Topic},
};

/// The longest type, in bytes.
const MAX_TYPE_LEN: usize = 64;

/// Events that this server, or the `EventSource` itself, sends under these names.
const RESERVED: [&str; 4] = ["bye", "error", "gap", "open"];

pub(crate) fn routes(journal: Journal) -> Router {
    Router::new()
        .route("/sse/notifications", get(stream))
        .route("/api/notifications", post(publish))
        .with_state(journal)
}

/// The notifications from now on, or from the client's `Last-Event-ID` on: each named by its type.
async fn stream(
    State(journal): State<Journal>,
    last_event_id: LastEventId,
) -> Sse<impl Stream<Item = Result<Frame, EncodeError>>> {
    let notifications = journal.follow(&[(Topic::Notifications, 0)], &last_event_id);
    Sse::new(notifications.map(|entry| entry.encode(|message| Event::new(ByType(message)))))
}

/// Sends a notification to all who listen.
async fn publish(
    State(journal): State<Journal>,
    notification: Result<Json<Notification>, JsonRejection>,
) -> Result<Json<Receipt>, ApiError> {
    let Json(notification) = notification?;
    check_type(&notification.kind)?;
    let published = journal.publish(Message::Notification(notification));
    Ok(Json(Receipt {
        published: true,
        id: published.id.to_string(),
        receivers: published.receivers,
    }))
}

/// A type becomes an event's name.
fn check_type(kind: &str) -> Result<(), ApiError> {
    let unprocessable =
        |why: String| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, format!("type: {why}"));
    if kind.is_empty() || kind.len() > MAX_TYPE_LEN {
        return Err(unprocessable(format!(
            "must have 1 to {MAX_TYPE_LEN} bytes"
        )));
    }
    if RESERVED.contains(&kind) {
        return Err(unprocessable(format!("`{kind}` has a meaning of its own")));
    }
    EventName::new(kind).map_err(|error| unprocessable(error.to_string()))?;
    Ok(())
}

/// Sends a notification under the name of its type, so that a browser can listen to the types it
/// knows: `source.addEventListener("deploy", ...)`.
struct ByType(Message);

impl EventData for ByType {
    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError> {
        match &self.0 {
            Message::Notification(Notification { kind, data }) => {
                encoder.name(kind)?;
                sse_layer::Json(data).encode(encoder)
            }
            other => Tagged(other).encode(encoder),
        }
    }
}

#[derive(Debug, Serialize)]
struct Receipt {
    published: bool,
    id: String,
    /// How many streams were open to get it.
    receivers: usize,
}
