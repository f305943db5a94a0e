//! actix-web with actix-web-lab's `sse`.

use std::convert::Infallible;
use std::net::TcpListener;

use actix_web::{App, HttpServer, Responder, web};
use actix_web_lab::sse::{Data, Event, Sse};
use futures_util::StreamExt as _;

use super::feed::Feed;
use super::{HEARTBEAT, outcomes};

async fn events(feed: web::Data<Feed>) -> impl Responder {
    let texts = feed.subscribe();
    let events = texts.map(|text| Ok::<_, Infallible>(Event::from(Data::new(text))));
    Sse::from_stream(events).with_keep_alive(HEARTBEAT)
}

async fn publish(feed: web::Data<Feed>, text: String) -> &'static str {
    feed.publish(text);
    ""
}

async fn stats(feed: web::Data<Feed>) -> String {
    feed.stats()
}

async fn serve(listener: TcpListener) -> std::io::Result<()> {
    let feed = web::Data::new(Feed::new());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(feed.clone())
            .route("/events", web::get().to(events))
            .route("/publish", web::post().to(publish))
            .route("/stats", web::get().to(stats))
    });
    let server = server.workers(1).disable_signals();
    server.listen(listener)?.run().await
}

#[tokio::test]
async fn actix_web_labs_sse() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    // It has a runtime of its own.
    std::thread::spawn(|| {
        let system = actix_web::rt::System::new();
        system.block_on(serve(listener)).unwrap();
    });
    insta::assert_snapshot!("actix-web-lab", outcomes(&base).await);
}
