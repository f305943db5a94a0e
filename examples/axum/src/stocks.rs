//! Prices that go up and down: `GET /stocks`.
//!
//! There is one market, on however many nodes. Nobody is elected: whoever published the last price
//! publishes the next ones, and the others look now and then whether somebody does. Where nobody
//! does any more, one of them goes on from the prices that were published last. Should two do so at
//! once, each price has a publish key, by which it is published once.

use std::time::Duration;

use axum::{Router, extract::State, routing::get};
use fastrand::Rng;
use jiff::Timestamp;
use serde::Deserialize;
use sse_layer::{
    Event, EventId, LastEventId, Sse, Tagged,
    hub::{Hub, PublishError, Subscription},
};
use tokio::time::{Instant, sleep_until};

use crate::{
    clock::Clock,
    error::ApiError,
    kept::newest_of,
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

/// Opens the market, unless another node has, and sees to it that there are new prices with every
/// tick, for as long as somebody holds the hub or one of its streams.
pub(crate) async fn start(hub: &Hub, clock: Clock, tick: Duration, seed: u64) {
    let mut market = Market::new(seed);
    let mut turn = market.turn(hub, clock).await;
    let mut at = Instant::now();
    let hub = hub.downgrade();
    tokio::spawn(async move {
        loop {
            at = match turn {
                Ok(Turn::Ours) => (at + tick).max(Instant::now()),
                Ok(Turn::Theirs) => Instant::now() + patience(tick),
                Err(error) => {
                    tracing::error!(%error, "prices were not published");
                    Instant::now() + tick
                }
            };
            sleep_until(at).await;
            let Some(hub) = hub.upgrade() else {
                return;
            };
            turn = market.turn(&hub, clock).await;
        }
    });
}

/// How long another node may publish nothing: not the same for all that wait for it.
fn patience(tick: Duration) -> Duration {
    2 * tick + tick.mul_f64(fastrand::f64())
}

/// Whose turn it was to publish.
enum Turn {
    Ours,
    Theirs,
}

/// A random walk, the same for the same seed.
struct Market {
    stocks: [Stock; SYMBOLS],
    random: Rng,
    /// The last price that was published, as far as this node knows.
    last: Option<EventId>,
}

#[derive(Clone, Copy)]
struct Stock {
    symbol: &'static str,
    opening: i64,
    cents: i64,
    /// How many prices were published.
    prices: u64,
}

impl Market {
    fn new(seed: u64) -> Self {
        Self {
            stocks: OPENING.map(|(symbol, opening)| Stock {
                symbol,
                opening,
                cents: opening,
                prices: 0,
            }),
            random: Rng::with_seed(seed),
            last: None,
        }
    }

    /// Publishes the next prices, if no other node has published any since this one looked last.
    async fn turn(&mut self, hub: &Hub, clock: Clock) -> Result<Turn, PublishError> {
        let newest = hub.newest(TOPIC).await?.map(|price| price.id());
        if newest.is_some() && newest != self.last {
            self.follow(hub).await?;
            return Ok(Turn::Theirs);
        }
        let most = self.stocks.iter().map(|stock| stock.prices).max();
        let is_complete = self.stocks.iter().all(|stock| Some(stock.prices) == most);
        // A tick that somebody was lost in is completed first.
        let prices = most.unwrap_or(0) + u64::from(is_complete);
        for stock in &mut self.stocks {
            if stock.prices < prices {
                let next = stock.next(prices, &mut self.random);
                let key = format!("{}-{}", next.symbol, next.prices);
                let id = hub
                    .publish(TOPIC, next.event(clock.now()))
                    .key(&key)
                    .await?;
                self.last = Some(id);
                *stock = next;
            }
        }
        Ok(Turn::Ours)
    }

    /// Takes over what was published last of each symbol.
    async fn follow(&mut self, hub: &Hub) -> Result<(), PublishError> {
        #[derive(Deserialize)]
        struct Price {
            symbol: String,
            price: f64,
            tick: u64,
        }

        for message in newest_of(hub, TOPIC, SYMBOLS).await? {
            self.last = Some(message.id());
            let Ok(Price {
                symbol,
                price,
                tick,
            }) = message.json()
            else {
                continue;
            };
            if let Some(stock) = self.stocks.iter_mut().find(|it| it.symbol == symbol) {
                stock.cents = cents(price);
                stock.prices = tick + 1;
            }
        }
        Ok(())
    }
}

impl Stock {
    /// The stock with its next price, which is the so manieth: up to half a percent off.
    fn next(self, prices: u64, random: &mut Rng) -> Self {
        let mut next = Self { prices, ..self };
        if self.prices > 0 {
            let most = (self.cents / 200).max(1);
            next.cents = (self.cents + random.i64(-most..=most)).max(1);
        }
        next
    }

    fn event(&self, timestamp: Timestamp) -> Event<Tagged<Message>> {
        let change = self.cents - self.opening;
        Event::tagged(Message::Stock(StockUpdate {
            symbol: self.symbol,
            price: hundredths(self.cents),
            change: hundredths(change),
            change_percent: hundredths(change * 10_000 / self.opening),
            tick: self.prices - 1,
            timestamp,
        }))
    }
}

fn hundredths(of: i64) -> f64 {
    of as f64 / 100.0
}

fn cents(price: f64) -> i64 {
    (price * 100.0).round() as i64
}
