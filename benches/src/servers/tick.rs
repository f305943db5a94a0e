//! What `/tick` sends.

use serde::{Deserialize, Serialize};

/// About 120 bytes as JSON. Each server encodes each of them by itself.
#[derive(Clone, Debug, Serialize)]
pub struct Tick {
    /// Counts from 0, so that a client knows of one that is missing.
    sequence: u64,
    symbol: &'static str,
    price: f64,
    volume: u64,
    currency: &'static str,
    venue: &'static str,
    halted: bool,
}

impl Tick {
    fn new(sequence: u64) -> Self {
        let cents = sequence % 10_000;
        Self {
            sequence,
            symbol: "ACME",
            price: 1000.0 + cents as f64 / 100.0,
            volume: 1_000_000 + sequence,
            currency: "USD",
            venue: "XNAS",
            halted: false,
        }
    }
}

/// The query of `/tick`.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Count {
    pub(super) n: u64,
}

impl Count {
    /// For those without a parser of queries: `n=N`, and nothing else.
    pub(super) fn parse(query: Option<&str>) -> Option<Self> {
        let n = query?.strip_prefix("n=")?.parse().ok()?;
        Some(Self { n })
    }

    pub(super) fn ticks(self) -> impl Iterator<Item = Tick> + Send + Sync + 'static {
        (0..self.n).map(Tick::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_has_about_120_bytes() {
        for sequence in [0, 1, 999, 1_000_000, 9_999_999] {
            let json = serde_json::to_string(&Tick::new(sequence)).unwrap();
            assert!((108..=122).contains(&json.len()), "{} {json}", json.len());
        }
    }
}
