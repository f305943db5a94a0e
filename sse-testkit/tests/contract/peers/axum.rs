//! axum's own `Sse`.

use std::convert::Infallible;

use ::axum::Router;
use ::axum::extract::State;
use ::axum::response::sse::{Event, KeepAlive, Sse};
use ::axum::routing::{get, post};
use futures_util::{Stream, StreamExt as _};
use tokio::net::TcpListener;

use super::feed::Feed;
use super::{HEARTBEAT, outcomes};

async fn events(State(feed): State<Feed>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = feed.subscribe().map(|text| Ok(Event::default().data(text)));
    Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT))
}

#[tokio::test]
async fn axums_sse() {
    let app = Router::new()
        .route("/events", get(events))
        .route(
            "/publish",
            post(async |State(feed): State<Feed>, text| feed.publish(text)),
        )
        .route("/stats", get(async |State(feed): State<Feed>| feed.stats()))
        .with_state(Feed::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { ::axum::serve(listener, app).await.unwrap() });
    insta::assert_snapshot!("axum", outcomes(&base).await);
}
