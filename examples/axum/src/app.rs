//! All routes, the streams behind one layer.

use std::time::Duration;

use axum::{Router, extract::DefaultBodyLimit};
use jiff::Timestamp;
use sse_layer::{ConnectionLimit, Drain, KeepAlive, SseLayer};
use tower_http::trace::TraceLayer;

use crate::{
    ai, clock::Clock, journal::Journal, live, notifications, openai, orders, page, stats, stocks,
    time,
};

/// How many messages of each topic are kept for clients that come back.
const HISTORY: usize = 1000;

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
            seed: 42,
            now: Timestamp::now(),
            drain: Drain::new(),
        }
    }
}

/// The whole app: give it to [`axum::serve()`], or to a test.
///
/// Prices move for as long as the app or one of its streams is there.
///
/// # Panics
///
/// Outside a tokio runtime.
pub fn app(config: Config) -> Router {
    let clock = Clock::starting_at(config.now);
    let journal = Journal::new(clock, HISTORY);
    let limit = ConnectionLimit::new(config.max_connections);
    let layer = SseLayer::new()
        .keep_alive(KeepAlive::new().interval(config.heartbeat))
        .retry(RETRY)
        .limit(limit.clone())
        .drain(config.drain);

    stocks::start(&journal, clock, config.tick, config.seed);

    Router::new()
        .merge(page::routes())
        .merge(stocks::routes(journal.clone()))
        .merge(orders::routes(orders::Orders::new(
            journal.clone(),
            clock,
            config.order_pace,
        )))
        .merge(notifications::routes(journal.clone()))
        .merge(live::routes(journal, limit.clone()))
        .merge(time::routes(clock))
        .merge(ai::routes(config.token_pace))
        .merge(openai::routes(clock, config.token_pace))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(layer)
        // Not behind the layer: the numbers are wanted most when the limit is reached, and whoever
        // asks for them with the `Accept` of an event stream would be refused, or counted.
        .merge(stats::routes(limit))
        // Requests, up to the head of their response; the stream behind it has a span of its own.
        .layer(TraceLayer::new_for_http())
}
