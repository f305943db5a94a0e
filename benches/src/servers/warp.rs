//! warp with its own `sse`.

use std::{convert::Infallible, io, net::TcpListener, sync::Arc, time::Duration};

use ::warp::{
    Filter as _, Reply,
    sse::{self, Event},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::StatusCode;

use super::{Settings, broadcast::Broadcast, tick::Count};

pub(super) async fn serve(listener: TcpListener, settings: Settings) -> io::Result<()> {
    let heartbeat = settings.heartbeat;
    let broadcast: Broadcast<Arc<str>> = Broadcast::new();
    let subscribed = broadcast.clone();

    let idle = ::warp::path!("idle")
        .and(::warp::get())
        .map(move || reply(stream::pending::<Result<Event, Infallible>>(), heartbeat));
    let ticks = ::warp::path!("tick")
        .and(::warp::get())
        .and(::warp::query())
        .map(move |count: Count| {
            let ticks = stream::iter(count.ticks()).map(|tick| Event::default().json_data(tick));
            reply(ticks, heartbeat)
        });
    let live = ::warp::path!("live").and(::warp::get()).map(move || {
        let live = subscribed.subscribe();
        reply(
            live.map(|text| Ok::<_, Infallible>(Event::default().data(&*text))),
            heartbeat,
        )
    });
    let publish = ::warp::path!("publish")
        .and(::warp::post())
        .and(::warp::body::bytes())
        .map(move |text: Bytes| match std::str::from_utf8(&text) {
            Ok(text) => {
                broadcast.publish(text.into());
                StatusCode::NO_CONTENT
            }
            Err(_) => StatusCode::BAD_REQUEST,
        });

    let listener = tokio::net::TcpListener::from_std(listener)?;
    ::warp::serve(idle.or(ticks).or(live).or(publish))
        .incoming(listener)
        .run()
        .await;
    Ok(())
}

fn reply<S, E>(events: S, heartbeat: Duration) -> impl Reply
where
    S: Stream<Item = Result<Event, E>> + Send + Sync + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    sse::reply(sse::keep_alive().interval(heartbeat).stream(events))
}
