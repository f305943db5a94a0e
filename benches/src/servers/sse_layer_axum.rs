//! sse-layer around an axum `Router`, under `axum::serve`.

use std::{io, net::TcpListener};

use ::axum::{
    Json, Router,
    extract::{Query, State},
    routing::{get, post},
};
use ::sse_layer::{Event, LastEventId, Sse, hub::Subscription};
use futures_util::{Stream, stream};
use http::StatusCode;

use super::{
    Settings,
    delay::Delay,
    ours::{Ours, Stats},
    tick::{Count, Tick},
};

pub(super) async fn serve(listener: TcpListener, settings: Settings) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    ::axum::serve(listener, app(&settings).into_make_service()).await
}

pub(super) fn app(settings: &Settings) -> Router {
    let ours = Ours::new();
    let layer = ours.layer(settings);
    Router::new()
        .route("/idle", get(idle))
        .route("/tick", get(ticks))
        .route("/live", get(live))
        .route("/publish", post(publish))
        .route("/stats", get(stats))
        .layer(layer)
        .with_state(ours)
}

async fn idle(Query(delay): Query<Delay>) -> Sse<impl Stream<Item = Event>> {
    delay.pass().await;
    Sse::new(stream::pending())
}

async fn ticks(
    Query(count): Query<Count>,
) -> Sse<impl Stream<Item = Event<::sse_layer::Json<Tick>>>> {
    Sse::json(stream::iter(count.ticks()))
}

async fn live(
    State(ours): State<Ours>,
    last: LastEventId,
) -> Result<Sse<Subscription>, StatusCode> {
    let live = ours.live(last);
    live.map(Sse::new)
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
}

async fn publish(State(ours): State<Ours>, text: String) -> StatusCode {
    ours.publish(text).await
}

async fn stats(State(ours): State<Ours>) -> Json<Stats> {
    Json(ours.stats())
}
