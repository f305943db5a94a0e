//! What is published, as it goes over the wire.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One thing that happened. As an event, the variant is its name and the payload its data.
#[derive(Clone, Debug, Serialize)]
pub(crate) enum Message {
    #[serde(rename = "stockUpdate")]
    Stock(StockUpdate),
    #[serde(rename = "order-update")]
    Order(OrderUpdate),
    #[serde(rename = "notification")]
    Notification(Notification),
}

/// A new price.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StockUpdate {
    pub(crate) symbol: &'static str,
    pub(crate) price: f64,
    /// Since the market opened, as the percentage is.
    pub(crate) change: f64,
    pub(crate) change_percent: f64,
    /// Counts the prices of a symbol, so that a client can prove that it has missed none.
    pub(crate) tick: u64,
    pub(crate) timestamp: Timestamp,
}

/// A step of an order on its way.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderUpdate {
    pub(crate) order_id: String,
    pub(crate) status: OrderStatus,
    /// The status as a number from 1, for a progress bar.
    pub(crate) step: usize,
    pub(crate) steps: usize,
    pub(crate) timestamp: Timestamp,
}

/// How far an order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum OrderStatus {
    Created,
    PaymentConfirmed,
    Packed,
    Shipped,
    OutForDelivery,
    Delivered,
}

impl OrderStatus {
    /// All of them, in the order in which they come.
    pub(crate) const ALL: [Self; 6] = [
        Self::Created,
        Self::PaymentConfirmed,
        Self::Packed,
        Self::Shipped,
        Self::OutForDelivery,
        Self::Delivered,
    ];

    /// The one after it.
    pub(crate) fn next(self) -> Option<Self> {
        Self::ALL.get(self.step()).copied()
    }

    /// As a number from 1.
    pub(crate) fn step(self) -> usize {
        self as usize + 1
    }
}

/// What a client published: any JSON, kept as it was written.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Notification {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default = "null")]
    pub(crate) data: Box<RawValue>,
}

fn null() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}
