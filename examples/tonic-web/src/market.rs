//! Prices that go up and down.
//!
//! A price is made of the time and nothing else: whoever asks, on whatever way, sees the same
//! price at the same time, and nothing has to be kept for anybody.

use jiff::Timestamp as Time;

use crate::{proto::Price, timestamp};

/// What can be bought.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) symbol: &'static str,
    /// The price when the market opened.
    cents: i64,
    /// How many prices a caller gets before the symbol is suspended.
    prices: Option<u32>,
}

static LISTED: [Listing; 6] = [
    listed("ACME", 10_125),
    listed("GLOBEX", 25_480),
    listed("HOOLI", 18_790),
    listed("INIT", 4_215),
    listed("UMBRELLA", 6_660),
    // Here to be seen failing.
    Listing {
        prices: Some(3),
        ..listed("BUBBLE", 99_999)
    },
];

const fn listed(symbol: &'static str, cents: i64) -> Listing {
    Listing {
        symbol,
        cents,
        prices: None,
    }
}

/// What is listed under this symbol.
pub(crate) fn find(symbol: &str) -> Option<&'static Listing> {
    LISTED.iter().find(|listing| listing.symbol == symbol)
}

impl Listing {
    /// Whether it is suspended for a caller who got so many prices.
    pub(crate) fn is_suspended_after(&self, prices: u32) -> bool {
        self.prices.is_some_and(|most| prices >= most)
    }

    /// What it is worth at this time.
    pub(crate) fn price(&self, at: Time) -> Price {
        let change = (self.cents as f64 * self.trend(at)).round();
        Price {
            symbol: self.symbol.to_owned(),
            price: (self.cents as f64 + change) / 100.0,
            change: change / 100.0,
            time: Some(timestamp::of(at)),
        }
    }

    /// Three waves, each symbol in a phase of its own; as a part of the opening price.
    fn trend(&self, at: Time) -> f64 {
        let seconds = at.as_millisecond() as f64 / 1000.0;
        let phase = self.cents as f64;
        [(97.0, 0.02), (11.0, 0.006), (1.7, 0.002)]
            .map(|(period, height)| height * (seconds / period + phase).sin())
            .iter()
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_stay_near_where_they_opened_and_move() {
        for listing in &LISTED {
            let opening = listing.cents as f64 / 100.0;
            let prices: Vec<_> = (0..1000)
                .map(|second| listing.price(Time::from_second(second).unwrap()))
                .collect();
            for price in &prices {
                assert!((price.price / opening - 1.0).abs() < 0.03, "{price:?}");
                assert!(
                    (price.price - price.change - opening).abs() < 0.001,
                    "{price:?}"
                );
            }
            assert!(prices.iter().any(|price| price.change > 0.0));
            assert!(prices.iter().any(|price| price.change < 0.0));
        }
    }
}
