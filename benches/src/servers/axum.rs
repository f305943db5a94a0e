//! axum's own `Sse` with `KeepAlive`, under `axum::serve`.

use std::{convert::Infallible, io, net::TcpListener, sync::Arc, time::Duration};

use ::axum::{
    Router,
    extract::{Query, State},
    response::sse::{Event, KeepAlive, Sse},
    routing::{get, post},
};
use futures_util::{Stream, StreamExt as _, stream};
use http::StatusCode;

use super::{Settings, broadcast::Broadcast, delay::Delay, tick::Count};

#[derive(Clone)]
struct App {
    heartbeat: Duration,
    live: Broadcast<Arc<str>>,
}

impl App {
    fn keep_alive(&self) -> KeepAlive {
        KeepAlive::new().interval(self.heartbeat)
    }
}

pub(super) async fn serve(listener: TcpListener, settings: Settings) -> io::Result<()> {
    let app = Router::new()
        .route("/idle", get(idle))
        .route("/tick", get(ticks))
        .route("/live", get(live))
        .route("/publish", post(publish))
        .with_state(App {
            heartbeat: settings.heartbeat,
            live: Broadcast::new(),
        });
    let listener = tokio::net::TcpListener::from_std(listener)?;
    ::axum::serve(listener, app.into_make_service()).await
}

async fn idle(
    State(app): State<App>,
    Query(delay): Query<Delay>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    delay.pass().await;
    Sse::new(stream::pending()).keep_alive(app.keep_alive())
}

async fn ticks(
    State(app): State<App>,
    Query(count): Query<Count>,
) -> Sse<impl Stream<Item = Result<Event, ::axum::Error>>> {
    let ticks = stream::iter(count.ticks()).map(|tick| Event::default().json_data(tick));
    Sse::new(ticks).keep_alive(app.keep_alive())
}

async fn live(State(app): State<App>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let live = app.live.subscribe();
    Sse::new(live.map(|text| Ok(Event::default().data(text)))).keep_alive(app.keep_alive())
}

async fn publish(State(app): State<App>, text: String) -> StatusCode {
    app.live.publish(text.into());
    StatusCode::NO_CONTENT
}
