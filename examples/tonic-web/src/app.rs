//! All routes: gRPC, grpc-web and event streams side by side.

use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use sse_layer::{ConnectionLimit, Drain, KeepAlive, SseLayer};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_web::GrpcWebLayer;
use tower::Layer as _;

use crate::{
    clock::Clock, cors, page, proto::prices_server::PricesServer, sse, stats, watch::Watch,
};

/// How long clients wait before they reconnect.
const RETRY: Duration = Duration::from_secs(2);

/// What the app is set to.
#[derive(Clone, Debug)]
pub struct Config {
    /// The silence after which an event stream gets a heartbeat. Zero sends none.
    pub heartbeat: Duration,
    /// How many event streams may be open at a time.
    pub max_connections: usize,
    /// The time from one price of a symbol to the next, where a request does not say it.
    pub tick: Duration,
    /// What the clock shows at the start.
    pub now: Timestamp,
    /// Ends all event streams when the server shuts down.
    pub drain: Drain,
    /// Ends all calls when the server shuts down, with the status UNAVAILABLE.
    pub closing: CancellationToken,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(15),
            max_connections: 1000,
            tick: Duration::from_secs(1),
            now: Timestamp::now(),
            drain: Drain::new(),
            closing: CancellationToken::new(),
        }
    }
}

/// The whole app: give it to [`axum::serve()`], or to a test.
pub fn app(config: Config) -> Router {
    let clock = Clock::starting_at(config.now);
    let prices = Watch::new(clock, config.tick, config.closing);
    let limit = ConnectionLimit::new(config.max_connections);
    let layer = SseLayer::new()
        .keep_alive(KeepAlive::new().interval(config.heartbeat))
        .retry(RETRY)
        .limit(limit.clone())
        .drain(config.drain);

    let pages = Router::new()
        .merge(page::routes())
        .merge(sse::routes(prices.clone()));
    // Around this service and no more: it answers 400 to what is HTTP/1.1 and not grpc-web.
    let grpc = GrpcWebLayer::new().layer(PricesServer::new(prices));

    Routes::from(pages)
        .add_service(grpc)
        .into_axum_router()
        // Around all of it: what is no event stream passes untouched, trailers and all.
        .layer(layer)
        // Not behind the layer: the numbers are wanted most when the limit is reached.
        .merge(stats::routes(limit))
        .layer(cors::layer())
}
