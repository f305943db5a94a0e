//! All routes, the streams behind one layer.

use std::time::Duration;

use axum::{Router, extract::DefaultBodyLimit};
use jiff::Timestamp;
use sse_layer::{
    ConnectionLimit, Drain, KeepAlive, SseLayer,
    hub::{History, Hub, HubBuilder},
};
use tower_http::trace::TraceLayer;

use crate::{
    ai,
    clock::Clock,
    live, notifications, openai, orders, page,
    stats::{self, Numbers},
    stocks, time,
};

/// For how long messages are kept for clients that come back.
const HISTORY_AGE: Duration = Duration::from_secs(10 * 60);

/// How much memory the messages of a topic may take that are kept.
const TOPIC_BYTES: usize = 4 * 1024 * 1024;

/// How much memory all that is kept may take.
const ALL_BYTES: usize = 64 * 1024 * 1024;

/// How many topics there may be: a few for the feeds, and those of each order and each answer that
/// is kept.
const MAX_TOPICS: usize = 10_000;

/// The largest request body, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// How long clients wait before they reconnect.
const RETRY: Duration = Duration::from_secs(2);

/// What the app is set to.
#[derive(Clone, Debug)]
pub struct Config {
    /// The silence after which a stream gets a heartbeat. Zero sends none.
    pub heartbeat: Duration,
    /// How many streams may be open at a time.
    pub max_connections: usize,
    /// The time from one price of a stock to the next.
    pub tick: Duration,
    /// The time from one step of an order to the next.
    pub order_pace: Duration,
    /// The time from one token of an answer to the next.
    pub token_pace: Duration,
    /// How many messages of each topic are kept for clients that come back.
    pub history: usize,
    /// What this node is called, for whoever asks which one it is.
    pub node: String,
    /// Where prices go is the same for the same seed.
    pub seed: u64,
    /// What the clock shows at the start.
    pub now: Timestamp,
    /// Ends all streams when the server shuts down.
    pub drain: Drain,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(15),
            max_connections: 1000,
            tick: Duration::from_secs(1),
            order_pace: Duration::from_millis(1500),
            token_pace: Duration::from_millis(40),
            history: 1000,
            node: "local".to_owned(),
            seed: 42,
            now: Timestamp::now(),
            drain: Drain::new(),
        }
    }
}

impl Config {
    /// Where everything is to be published, and kept within bounds.
    pub fn hub(&self) -> HubBuilder {
        let history = History::new()
            .events(self.history)
            .bytes(TOPIC_BYTES)
            .age(HISTORY_AGE);
        Hub::builder()
            .history(history)
            .max_history_bytes(ALL_BYTES)
            .max_topics(MAX_TOPICS)
    }
}

/// The whole app on a hub, which may be that of other nodes too: give it to [`axum::serve()`], or
/// to a test.
///
/// Prices move for as long as the app or one of its streams is there.
///
/// # Panics
///
/// Outside a tokio runtime.
pub async fn app(config: Config, hub: Hub) -> Router {
    let clock = Clock::starting_at(config.now);
    let limit = ConnectionLimit::new(config.max_connections);
    let layer = SseLayer::new()
        .keep_alive(KeepAlive::new().interval(config.heartbeat))
        .retry(RETRY)
        .limit(limit.clone())
        .drain(config.drain);

    let numbers = Numbers::new(config.node, limit, hub.clone());
    stocks::start(&hub, clock, config.tick, config.seed).await;

    let orders = orders::Orders::new(hub.clone(), clock, config.order_pace);
    Router::new()
        .merge(page::routes())
        .merge(stocks::routes(hub.clone()))
        .merge(orders::routes(orders))
        .merge(notifications::routes(hub.clone()))
        .merge(live::routes(hub.clone(), numbers.clone()))
        .merge(time::routes(clock))
        .merge(ai::routes(hub, config.token_pace))
        .merge(openai::routes(clock, config.token_pace))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(layer)
        // Not behind the layer: the numbers are wanted most when the limit is reached, and whoever
        // asks for them with the `Accept` of an event stream would be refused, or counted.
        .merge(stats::routes(numbers))
        // Requests, up to the head of their response; the stream behind it has a span of its own.
        .layer(TraceLayer::new_for_http())
}
