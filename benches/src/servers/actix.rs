//! actix-web with actix-web-lab's `sse`.

use std::{convert::Infallible, io, net::TcpListener, time::Duration};

use actix_web::{App, HttpResponse, HttpServer, Responder, web};
use actix_web_lab::sse::{Data, Event, Sse};
use futures_util::{StreamExt as _, stream};

use super::{Settings, broadcast::Broadcast, tick::Count};

/// Beyond 25,000 a worker, which is its default, it would stop to accept.
const MAX_CONNECTIONS: usize = 1_000_000;

struct Shared {
    heartbeat: Duration,
    live: Broadcast<Event>,
}

pub(super) async fn serve(listener: TcpListener, settings: Settings) -> io::Result<()> {
    let shared = web::Data::new(Shared {
        heartbeat: settings.heartbeat,
        live: Broadcast::new(),
    });
    HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .route("/idle", web::get().to(idle))
            .route("/tick", web::get().to(ticks))
            .route("/live", web::get().to(live))
            .route("/publish", web::post().to(publish))
    })
    .workers(settings.workers)
    .max_connections(MAX_CONNECTIONS)
    // All servers end alike.
    .disable_signals()
    .listen(listener)?
    .run()
    .await
}

async fn idle(shared: web::Data<Shared>) -> impl Responder {
    Sse::from_infallible_stream(stream::pending()).with_keep_alive(shared.heartbeat)
}

async fn ticks(shared: web::Data<Shared>, count: web::Query<Count>) -> impl Responder {
    let ticks = stream::iter(count.ticks()).map(|tick| Data::new_json(tick).map(Event::from));
    Sse::from_stream(ticks).with_keep_alive(shared.heartbeat)
}

async fn live(shared: web::Data<Shared>) -> impl Responder {
    let live = shared.live.subscribe().map(Ok::<_, Infallible>);
    Sse::from_stream(live).with_keep_alive(shared.heartbeat)
}

async fn publish(shared: web::Data<Shared>, text: String) -> impl Responder {
    shared.live.publish(Data::new(text).into());
    HttpResponse::NoContent()
}
