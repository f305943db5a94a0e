//! Prices that go up and down: `GET /stocks`.

use std::time::Duration;

use axum::{Router, extract::State, routing::get};
use fastrand::Rng;
use jiff::Timestamp;
use sse_layer::{
    Event, LastEventId, Sse, Tagged,
    hub::{Hub, PublishError, Subscription},
};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::{
    clock::Clock,
    error::ApiError,
    message::{Message, StockUpdate},
};

/// The hub's topic.
pub(crate) const TOPIC: &str = "stocks";

/// The symbols, with their prices in cents when the market opens.
const OPENING: [(&str, i64); 5] = [
    ("ACME", 10_125),
    ("GLOBEX", 25_480),
    ("HOOLI", 18_790),
    ("INITECH", 4_215),
    ("UMBRELLA", 6_660),
];

/// How many events a tick makes: a price of each symbol.
pub(crate) const SYMBOLS: usize = OPENING.len();

pub(crate) fn routes(hub: Hub) -> Router {
    Router::new().route("/stocks", get(stream)).with_state(hub)
}

/// The prices from the latest of each symbol on, or from the client's `Last-Event-ID` on.
async fn stream(
    State(hub): State<Hub>,
    last_event_id: LastEventId,
) -> Result<Sse<Subscription>, ApiError> {
    let prices = hub.subscribe(TOPIC)?;
    Ok(Sse::new(prices.recent(SYMBOLS).after(last_event_id)))
}

/// Opens the market and has it publish new prices with every tick, for as long as somebody holds
/// the hub or one of its streams.
pub(crate) fn start(hub: &Hub, clock: Clock, tick: Duration, seed: u64) {
    let mut market = Market::open(seed);
    for price in market.prices(clock.now()) {
        // In this process, publishing does not wait.
        log(hub.blocking_publish(TOPIC, price));
    }
    let hub = hub.downgrade();
    tokio::spawn(async move {
        let mut ticks = interval_at(Instant::now() + tick, tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(hub) = hub.upgrade() else {
                return;
            };
            market.trade();
            for price in market.prices(clock.now()) {
                log(hub.publish(TOPIC, price).await);
            }
        }
    });
}

fn log<T>(published: Result<T, PublishError>) {
    if let Err(error) = published {
        tracing::error!(%error, "a price was not published");
    }
}

/// A random walk, the same for the same seed.
struct Market {
    cents: [i64; SYMBOLS],
    tick: u64,
    random: Rng,
}

impl Market {
    fn open(seed: u64) -> Self {
        Self {
            cents: OPENING.map(|(_, cents)| cents),
            tick: 0,
            random: Rng::with_seed(seed),
        }
    }

    /// Moves each price by up to half a percent.
    fn trade(&mut self) {
        self.tick += 1;
        for cents in &mut self.cents {
            let most = (*cents / 200).max(1);
            *cents = (*cents + self.random.i64(-most..=most)).max(1);
        }
    }

    fn prices(&self, timestamp: Timestamp) -> impl Iterator<Item = Event<Tagged<Message>>> {
        OPENING
            .into_iter()
            .zip(self.cents)
            .map(move |((symbol, opening), cents)| {
                Event::tagged(Message::Stock(StockUpdate {
                    symbol,
                    price: hundredths(cents),
                    change: hundredths(cents - opening),
                    change_percent: hundredths((cents - opening) * 10_000 / opening),
                    tick: self.tick,
                    timestamp,
                }))
            })
    }
}

fn hundredths(of: i64) -> f64 {
    of as f64 / 100.0
}
