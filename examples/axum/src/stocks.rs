//! Prices that go up and down: `GET /stocks`.

use std::time::Duration;

use axum::{Router, extract::State, routing::get};
use fastrand::Rng;
use futures_util::stream::{Stream, StreamExt as _};
use jiff::Timestamp;
use sse_layer::{EncodeError, Event, Frame, LastEventId, Sse};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::{
    clock::Clock,
    journal::Journal,
    message::{Message, StockUpdate, Topic},
};

/// The symbols, with their prices in cents when the market opens.
const OPENING: [(&str, i64); 5] = [
    ("ACME", 10_125),
    ("GLOBEX", 25_480),
    ("HOOLI", 18_790),
    ("INITECH", 4_215),
    ("UMBRELLA", 6_660),
];

/// What a new client begins with: the price of each symbol.
pub(crate) const SNAPSHOT: (Topic, usize) = (Topic::Stocks, OPENING.len());

pub(crate) fn routes(journal: Journal) -> Router {
    Router::new()
        .route("/stocks", get(stream))
        .with_state(journal)
}

/// The prices from now on, or from the client's `Last-Event-ID` on.
async fn stream(
    State(journal): State<Journal>,
    last_event_id: LastEventId,
) -> Sse<impl Stream<Item = Result<Frame, EncodeError>>> {
    let updates = journal.follow(&[SNAPSHOT], &last_event_id);
    Sse::new(updates.map(|entry| entry.encode(Event::tagged)))
}

/// Opens the market and has it publish new prices with every tick, for as long as somebody holds
/// the journal.
pub(crate) fn start(journal: &Journal, clock: Clock, tick: Duration, seed: u64) {
    let mut market = Market::open(seed);
    publish(journal, &market, clock);
    let journal = journal.downgrade();
    tokio::spawn(async move {
        let mut ticks = interval_at(Instant::now() + tick, tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(journal) = journal.upgrade() else {
                return;
            };
            market.trade();
            publish(&journal, &market, clock);
        }
    });
}

fn publish(journal: &Journal, market: &Market, clock: Clock) {
    for update in market.prices(clock.now()) {
        journal.publish(Message::Stock(update));
    }
}

/// A random walk, the same for the same seed.
struct Market {
    cents: [i64; OPENING.len()],
    random: Rng,
}

impl Market {
    fn open(seed: u64) -> Self {
        Self {
            cents: OPENING.map(|(_, cents)| cents),
            random: Rng::with_seed(seed),
        }
    }

    /// Moves each price by up to half a percent.
    fn trade(&mut self) {
        for cents in &mut self.cents {
            let most = (*cents / 200).max(1);
            *cents = (*cents + self.random.i64(-most..=most)).max(1);
        }
    }

    fn prices(&self, timestamp: Timestamp) -> impl Iterator<Item = StockUpdate> {
        OPENING
            .into_iter()
            .zip(self.cents)
            .map(move |((symbol, opening), cents)| StockUpdate {
                symbol,
                price: hundredths(cents),
                change: hundredths(cents - opening),
                change_percent: hundredths((cents - opening) * 10_000 / opening),
                timestamp,
            })
    }
}

fn hundredths(of: i64) -> f64 {
    of as f64 / 100.0
}
