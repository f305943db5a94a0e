//! The service: `prices.v1.Prices`.

mod order;

use std::{fmt, time::Duration};

use async_stream::try_stream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, codegen::BoxStream};

use self::order::Order;
use crate::{
    clock::Clock,
    proto::{Price, WatchRequest, prices_server::Prices},
};

/// Streams prices, in the same way to all who call it.
#[derive(Clone)]
pub(crate) struct Watch {
    clock: Clock,
    tick: Duration,
    closing: CancellationToken,
}

impl Watch {
    /// Prices by this clock, a new one with every tick, until it closes.
    pub(crate) fn new(clock: Clock, tick: Duration, closing: CancellationToken) -> Self {
        Self {
            clock,
            tick,
            closing,
        }
    }
}

#[tonic::async_trait]
impl Prices for Watch {
    type WatchStream = BoxStream<Price>;

    async fn watch(
        &self,
        request: Request<WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let order = Order::parse(request.into_inner(), self.tick)?;
        if self.closing.is_cancelled() {
            return Err(shutting_down());
        }
        let prices = prices(order, self.clock, self.closing.clone());
        Ok(Response::new(Box::pin(prices)))
    }
}

/// A caller who reads slowly misses prices, and never gets old ones: each is made when it is
/// asked for.
fn prices(
    order: Order,
    clock: Clock,
    closing: CancellationToken,
) -> impl futures_util::Stream<Item = Result<Price, Status>> {
    try_stream! {
        for number in 0..order.count {
            if number > 0 {
                closing
                    .run_until_cancelled(clock.next(order.interval))
                    .await
                    .ok_or_else(shutting_down)?;
            }
            let at = clock.last(order.interval);
            for listing in &order.listings {
                if listing.is_suspended_after(number) {
                    Err(suspended(listing.symbol))?;
                }
                yield listing.price(at);
            }
        }
    }
}

fn suspended(symbol: &str) -> Status {
    Status::aborted(format!("trading in {symbol} is suspended"))
}

fn shutting_down() -> Status {
    Status::unavailable("the server is shutting down")
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("tick", &self.tick)
            .finish_non_exhaustive()
    }
}
