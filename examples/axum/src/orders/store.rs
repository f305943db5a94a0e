use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use sse_layer::{
    Event, EventId, LastEventId,
    hub::{self, Hub, PublishError, Subscription, TopicError},
};
use tokio::{sync::Mutex, time::sleep};

use super::OrderId;
use crate::{
    clock::Clock,
    message::{Message, OrderStatus, OrderUpdate},
    register::{Ends, Full, Register},
};

/// The hub's topic of all steps of all orders. Those of one order are in a topic of its own too.
pub(crate) const ALL: &str = "orders";

/// How many orders are known. The oldest of those that were delivered is forgotten first.
const MAX_ORDERS: usize = 1000;

/// The orders; clones are handles on the same ones.
#[derive(Clone)]
pub(crate) struct Orders {
    hub: Hub,
    clock: Clock,
    /// The time from one status to the next.
    pace: Duration,
    book: Arc<Mutex<Book>>,
}

type Book = Register<OrderId, Order>;

struct Order {
    /// The newest step that was kept before this order began: that of an earlier order of the
    /// same id, whose steps are not this one's.
    before: Option<EventId>,
    is_delivered: bool,
}

impl Ends for Order {
    fn is_over(&self) -> bool {
        self.is_delivered
    }
}

/// Why an order can't be sent on its way.
#[derive(Debug)]
pub(super) enum Refused {
    OnItsWay,
    TooMany,
    Unpublished(PublishError),
}

impl Orders {
    pub(crate) fn new(hub: Hub, clock: Clock, pace: Duration) -> Self {
        Self {
            hub,
            clock,
            pace,
            book: Arc::new(Mutex::new(Register::new(MAX_ORDERS))),
        }
    }

    /// Sends an order on its way; one that was delivered can be ordered again.
    pub(super) async fn simulate(&self, id: OrderId) -> Result<(), Refused> {
        let mut book = self.book.lock().await;
        if book.get(&id).is_some_and(|order| !order.is_delivered) {
            return Err(Refused::OnItsWay);
        }
        book.make_room()?;
        let newest = self.hub.newest(&topic(&id)).await?;
        let [first, rest @ ..] = OrderStatus::ALL;
        publish(&self.hub, &id, first, self.clock).await?;
        let order = Order {
            before: newest.map(|step| step.id()),
            is_delivered: false,
        };
        book.enter(id.clone(), order);
        drop(book);
        self.travel(id, rest);
        Ok(())
    }

    /// What is left to send of an order: to a new viewer all its steps, to one that comes back
    /// those it missed. `None` if that is nothing, and nothing will come.
    pub(super) async fn follow(
        &self,
        id: &OrderId,
        last_event_id: &LastEventId,
    ) -> Result<Option<Subscription>, TopicError> {
        let topic = topic(id);
        // Before the book is opened: an order that is entered after that is not missed.
        let steps = self.hub.subscribe(&topic)?.end_after(is_delivery);
        let (before, is_delivered) = match self.book.lock().await.get(id) {
            Some(order) => (order.before.clone(), order.is_delivered),
            None => (None, false),
        };
        let is_over = match self.hub.newest(&topic).await? {
            Some(newest) => is_delivery(&newest) && last_event_id.id() == Some(&newest.id()),
            // It is too long ago for the hub.
            None => is_delivered,
        };
        if is_over {
            return Ok(None);
        }
        let is_new = *last_event_id == LastEventId::default();
        Ok(Some(match before {
            Some(before) if is_new => steps.after(before),
            _ => steps.recent(usize::MAX).after(last_event_id),
        }))
    }

    /// Lets an order take its remaining steps, for as long as somebody holds the hub or one of its
    /// streams.
    fn travel(&self, id: OrderId, rest: [OrderStatus; OrderStatus::ALL.len() - 1]) {
        let (clock, pace, book) = (self.clock, self.pace, Arc::clone(&self.book));
        let hub = self.hub.downgrade();
        tokio::spawn(async move {
            for status in rest {
                sleep(pace).await;
                let Some(hub) = hub.upgrade() else {
                    return;
                };
                // Held, so that who sees the delivery can order again.
                let mut book = book.lock().await;
                if let Err(error) = publish(&hub, &id, status, clock).await {
                    tracing::error!(%error, order = %id, "a step was not published");
                }
                if let Some(order) = book.get_mut(&id) {
                    order.is_delivered = status == OrderStatus::Delivered;
                }
            }
        });
    }
}

impl From<Full> for Refused {
    fn from(_: Full) -> Self {
        Self::TooMany
    }
}

impl From<TopicError> for Refused {
    fn from(error: TopicError) -> Self {
        Self::Unpublished(error.into())
    }
}

impl From<PublishError> for Refused {
    fn from(error: PublishError) -> Self {
        Self::Unpublished(error)
    }
}

/// The hub's topic of one order.
fn topic(id: &OrderId) -> String {
    format!("{ALL}/{id}")
}

/// Publishes a step to the viewers of the order, and to those of all orders.
async fn publish(
    hub: &Hub,
    id: &OrderId,
    status: OrderStatus,
    clock: Clock,
) -> Result<(), PublishError> {
    let step = Event::tagged(Message::Order(OrderUpdate {
        order_id: id.to_string(),
        status,
        step: status.step(),
        steps: OrderStatus::ALL.len(),
        timestamp: clock.now(),
    }));
    hub.publish(&topic(id), step.clone()).await?;
    hub.publish(ALL, step).await?;
    Ok(())
}

/// Whether a step is the last one.
fn is_delivery(step: &hub::Message) -> bool {
    #[derive(Deserialize)]
    struct Step {
        status: OrderStatus,
    }

    step.json()
        .is_ok_and(|Step { status }| status == OrderStatus::Delivered)
}
