//! What clients tell each other: `GET /sse/notifications` and `POST /api/notifications`.

use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
    routing::{get, post},
};
use serde::Serialize;
use sse_layer::{
    EncodeError, Encoder, Event, EventData, EventName, LastEventId, Sse,
    hub::{Hub, Subscription},
};

use crate::{
    error::ApiError,
    message::{Message, Notification},
};

/// The hub's topic, in which each notification has its type as its name.
const TOPIC: &str = "notifications";

/// The same notifications, all under one name: for the page, which does not know their types. An
/// event is written once, so what is to be read in two forms is published in both.
pub(crate) const ALL: &str = "notifications/all";

/// The longest type, in bytes.
const MAX_TYPE_LEN: usize = 64;

/// Events that this server, or the `EventSource` itself, sends under these names.
const RESERVED: [&str; 4] = ["bye", "error", "gap", "open"];

pub(crate) fn routes(hub: Hub) -> Router {
    Router::new()
        .route("/sse/notifications", get(stream))
        .route("/api/notifications", post(publish))
        .with_state(hub)
}

/// The notifications from now on, or from the client's `Last-Event-ID` on: each named by its type.
async fn stream(
    State(hub): State<Hub>,
    last_event_id: LastEventId,
) -> Result<Sse<Subscription>, ApiError> {
    Ok(Sse::new(hub.subscribe(TOPIC)?.after(last_event_id)))
}

/// Sends a notification to all who listen.
async fn publish(
    State(hub): State<Hub>,
    notification: Result<Json<Notification>, JsonRejection>,
) -> Result<Json<Receipt>, ApiError> {
    let Json(notification) = notification?;
    check_type(&notification.kind)?;
    let by_type = Event::new(ByType(&notification));
    let id = hub.publish(TOPIC, by_type).await?;
    let for_all = Event::tagged(Message::Notification(notification));
    hub.publish(ALL, for_all).await?;
    Ok(Json(Receipt {
        published: true,
        id: id.to_string(),
        receivers: hub.subscribers(TOPIC) + hub.subscribers(ALL),
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
struct ByType<'a>(&'a Notification);

impl EventData for ByType<'_> {
    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError> {
        let Notification { kind, data } = self.0;
        encoder.name(kind)?;
        sse_layer::Json(data).encode(encoder)
    }
}

#[derive(Debug, Serialize)]
struct Receipt {
    published: bool,
    id: String,
    /// How many streams were open to get it.
    receivers: usize,
}
