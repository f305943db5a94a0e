//! warp's own `sse`.

use std::convert::Infallible;

use ::warp::Filter as _;
use ::warp::sse::{self, Event};
use futures_util::StreamExt as _;
use tokio::net::TcpListener;

use super::feed::Feed;
use super::{HEARTBEAT, outcomes};

#[tokio::test]
async fn warps_sse() {
    let feed = Feed::new();
    let (subscribed, published, told) = (feed.clone(), feed.clone(), feed);
    let events = ::warp::path!("events").and(::warp::get()).map(move || {
        let texts = subscribed.subscribe();
        let events = texts.map(|text| Ok::<_, Infallible>(Event::default().data(text)));
        sse::reply(sse::keep_alive().interval(HEARTBEAT).stream(events))
    });
    let publish = ::warp::path!("publish")
        .and(::warp::post())
        .and(::warp::body::bytes())
        .map(move |text: bytes::Bytes| {
            published.publish(String::from_utf8_lossy(&text).into_owned());
            ::warp::reply()
        });
    let stats = ::warp::path!("stats").map(move || told.stats());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = ::warp::serve(events.or(publish).or(stats));
    tokio::spawn(server.incoming(listener).run());
    insta::assert_snapshot!("warp", outcomes(&base).await);
}
