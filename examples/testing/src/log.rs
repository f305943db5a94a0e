//! The log of a build, streamed to whoever reads it, with axum's own `Sse` and nothing else.

use std::collections::VecDeque;
use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::stream::{self, Stream, StreamExt as _};
use serde::Serialize;
use tokio::sync::watch;

/// So many lines are kept for whoever comes later.
const KEPT: usize = 1000;

/// `POST /log` writes a line, `GET /log` reads them all, `GET /stats` counts the readers.
pub fn app() -> Router {
    Router::new()
        .route("/log", get(read).post(write))
        .route("/v2/log", get(read_v2))
        .route("/stats", get(stats))
        .with_state(Log::default())
}

async fn read(State(log): State<Log>, headers: HeaderMap) -> impl IntoResponse {
    Sse::new(log.events_after(last_event_id(&headers))).keep_alive(KeepAlive::default())
}

/// The same, after what the contract said about it.
async fn read_v2(State(log): State<Log>, headers: HeaderMap) -> impl IntoResponse {
    let opening = Event::default().retry(Duration::from_secs(2));
    let events = stream::once(ready(Ok(opening))).chain(log.events_after(last_event_id(&headers)));
    let headers = [
        ("x-accel-buffering", "no"),
        ("cache-control", "no-cache, no-transform"),
    ];
    (headers, Sse::new(events).keep_alive(KeepAlive::default()))
}

async fn write(State(log): State<Log>, text: String) -> StatusCode {
    log.write(text);
    StatusCode::NO_CONTENT
}

#[derive(Serialize)]
struct Stats {
    readers: usize,
}

async fn stats(State(log): State<Log>) -> Json<Stats> {
    let readers = log.lines.receiver_count();
    Json(Stats { readers })
}

/// The number of the line that a reader has seen, where it comes back.
fn last_event_id(headers: &HeaderMap) -> u64 {
    let id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    id.and_then(|id| id.parse().ok()).unwrap_or(0)
}

#[derive(Clone, Serialize)]
struct Line {
    #[serde(skip)]
    n: u64,
    text: String,
    /// In milliseconds since 1970.
    at: u64,
}

#[derive(Clone, Default)]
struct Log {
    lines: Arc<watch::Sender<VecDeque<Line>>>,
}

impl Log {
    fn write(&self, text: String) {
        let at = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        self.lines.send_modify(|lines| {
            let n = lines.back().map_or(1, |last| last.n + 1);
            if lines.len() == KEPT {
                lines.pop_front();
            }
            let at = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
            lines.push_back(Line { n, text, at });
        });
    }

    /// The lines behind this one, and then each new one; all lines where there is no such line.
    fn events_after(&self, line: u64) -> impl Stream<Item = Result<Event, axum::Error>> + use<> {
        let lines = self.lines.subscribe();
        let known = lines.borrow().back().is_some_and(|last| line <= last.n);
        let seen = if known { line } else { 0 };
        stream::unfold((lines, seen), async |(mut lines, seen)| {
            let newer = lines.wait_for(|lines| lines.back().is_some_and(|last| last.n > seen));
            let line = newer.await.ok()?.iter().find(|line| line.n > seen)?.clone();
            Some((line.event(), (lines, line.n)))
        })
    }
}

impl Line {
    fn event(&self) -> Result<Event, axum::Error> {
        let event = Event::default().event("line").id(self.n.to_string());
        event.json_data(self)
    }
}
