//! What a caller wants, once it is known to be possible.

use std::time::Duration;

use tonic::Status;

use crate::{
    market::{self, Listing},
    proto::WatchRequest,
};

/// The most symbols of one call.
const MOST: usize = 20;

/// The milliseconds from one price to the next that a caller may ask for.
const INTERVALS: std::ops::RangeInclusive<u32> = 10..=60_000;

#[derive(Debug)]
pub(super) struct Order {
    /// Each once.
    pub(super) listings: Vec<&'static Listing>,
    /// How many prices of each.
    pub(super) count: u32,
    pub(super) interval: Duration,
}

impl Order {
    /// Reads a request that leaves the interval open as one for every `tick`.
    pub(super) fn parse(request: WatchRequest, tick: Duration) -> Result<Self, Status> {
        let WatchRequest {
            symbols,
            count,
            interval_ms,
        } = request;
        if symbols.is_empty() || symbols.len() > MOST {
            return Err(Status::invalid_argument(format!(
                "from 1 to {MOST} symbols can be watched"
            )));
        }
        if count == Some(0) {
            return Err(Status::invalid_argument("a count is at least 1"));
        }
        if interval_ms.is_some_and(|millis| !INTERVALS.contains(&millis)) {
            let (from, to) = INTERVALS.into_inner();
            return Err(Status::invalid_argument(format!(
                "an interval is from {from} to {to} ms"
            )));
        }
        let mut listings: Vec<&Listing> = Vec::with_capacity(symbols.len());
        for symbol in &symbols {
            let listing = find(symbol)?;
            if listings.iter().all(|known| known.symbol != listing.symbol) {
                listings.push(listing);
            }
        }
        Ok(Self {
            listings,
            // 4,294,967,295 of them, at the fastest, take longer than a year.
            count: count.unwrap_or(u32::MAX),
            interval: interval_ms.map_or(tick, |millis| Duration::from_millis(millis.into())),
        })
    }
}

fn find(symbol: &str) -> Result<&'static Listing, Status> {
    // What comes back goes into a header, which has no room for just anything.
    if !(1..=8).contains(&symbol.len()) || !symbol.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(Status::invalid_argument(
            "a symbol is of 1 to 8 capital letters",
        ));
    }
    market::find(symbol).ok_or_else(|| Status::not_found(format!("no such symbol: {symbol}")))
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    const TICK: Duration = Duration::from_millis(1234);

    fn request(symbols: &[&str]) -> WatchRequest {
        WatchRequest {
            symbols: symbols.iter().map(|&symbol| symbol.to_owned()).collect(),
            ..WatchRequest::default()
        }
    }

    fn refused(request: WatchRequest) -> Code {
        Order::parse(request, TICK).unwrap_err().code()
    }

    #[test]
    fn each_symbol_is_watched_once_and_in_the_order_of_the_request() {
        let order = Order::parse(request(&["INIT", "ACME", "INIT"]), TICK).unwrap();
        let symbols: Vec<_> = order
            .listings
            .iter()
            .map(|listing| listing.symbol)
            .collect();
        assert_eq!(symbols, ["INIT", "ACME"]);
        assert_eq!(order.interval, TICK);
    }

    #[test]
    fn symbols_are_listed_ones() {
        assert_eq!(refused(request(&["ACME", "NOPE"])), Code::NotFound);
        for none in ["", "acme", "NINECHARS", "A\r\nB", "ÄCME"] {
            assert_eq!(refused(request(&[none])), Code::InvalidArgument, "{none:?}");
        }
    }

    #[test]
    fn there_are_as_many_as_can_be_watched() {
        assert!(Order::parse(request(&["ACME"; MOST]), TICK).is_ok());
        assert_eq!(refused(request(&["ACME"; MOST + 1])), Code::InvalidArgument);
        assert_eq!(refused(request(&[])), Code::InvalidArgument);
    }

    #[test]
    fn counts_and_intervals_have_bounds() {
        let with = |count, interval_ms| WatchRequest {
            count,
            interval_ms,
            ..request(&["ACME"])
        };
        assert_eq!(refused(with(Some(0), None)), Code::InvalidArgument);
        for interval in [0, 9, 60_001, u32::MAX] {
            assert_eq!(refused(with(None, Some(interval))), Code::InvalidArgument);
        }
        let order = Order::parse(with(Some(1), Some(10)), TICK).unwrap();
        assert_eq!(
            (order.count, order.interval),
            (1, Duration::from_millis(10))
        );
    }
}
