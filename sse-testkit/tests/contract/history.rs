//! Servers keep a part of what they have sent.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use futures_util::{Stream, StreamExt as _, stream};
use sse_testkit::contract::{self, Expectations, Outcome, Target};
use tokio::net::TcpListener;

const SENT: u32 = 40;
const KEPT: u32 = 20;

/// Forty events to a new client; to one that comes back what is kept of those that it missed.
async fn events(headers: HeaderMap) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let last = headers.get("last-event-id");
    let last = last.map(|id| id.to_str().unwrap_or_default().parse().unwrap_or(SENT));
    let first = last.map_or(1, |last: u32| (last + 1).max(SENT - KEPT));
    let events = (first..=SENT).map(|n| Ok(Event::default().id(n.to_string()).data("x")));
    Sse::new(stream::iter(events).chain(stream::pending()))
}

#[tokio::test]
async fn a_client_that_was_away_for_a_moment_misses_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let app = Router::new().route("/", get(events));
    tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
    let expectations = Expectations::new()
        .resumable()
        .observe(Duration::from_millis(200));
    let report = contract::check(Target::get(url), expectations).await;
    let resume = report.finding("resume").unwrap();
    assert_eq!(resume.outcome, Outcome::Pass, "{report}");
}
