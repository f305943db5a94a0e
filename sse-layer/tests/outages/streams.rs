//! What a client sees of an outage: a stream that goes on.

use axum::{Router, extract::State, routing::get};
use sse_layer::{KeepAlive, LastEventId, Sse, SseLayer, hub::TopicError};

use super::*;

async fn news(
    State(hub): State<Hub>,
    last_event_id: LastEventId,
) -> Result<Sse<Subscription>, String> {
    let news = hub.subscribe("news");
    let news = news.map_err(|error: TopicError| error.to_string())?;
    Ok(Sse::new(news.after(last_event_id)))
}

async fn heartbeats_go_on_in_an_outage(mut server: impl Server) {
    let hub = server.node().await;
    let layer = SseLayer::new().keep_alive(KeepAlive::new().interval(Duration::from_millis(100)));
    let app = Router::new().route("/", get(news)).layer(layer);
    let app = app.with_state(hub.clone());
    let mut sse = sse_testkit::get(app, "/").real_time().await;
    publish(&hub, "news", "before").await;
    sse.expect_message().text("before").await;
    server.kill();
    for _ in 0..10 {
        sse.expect_heartbeat().await;
    }
    server.run();
    publish_at_last(&hub, "news", "after").await;
    sse.expect_message().text("after").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heartbeats_go_on_while_redis_is_away() {
    if let Some(server) = Redis::start() {
        heartbeats_go_on_in_an_outage(server).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heartbeats_go_on_while_nats_is_away() {
    if let Some(server) = Nats::start() {
        heartbeats_go_on_in_an_outage(server).await;
    }
}
