use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use sse_layer::{
    Event, EventId, LastEventId, Tagged,
    hub::{self, Hub, PublishError, Subscription, TopicError},
};
use tokio::{sync::Mutex, time::sleep};

use super::OrderId;
use crate::{
    clock::Clock,
    kept::newest_of,
    message::{Message, OrderStatus, OrderUpdate},
    register::{Ends, Full, Register},
};

/// The hub's topic of all steps of all orders. Those of one order are in a topic of its own too.
pub(crate) const ALL: &str = "orders";

/// How many orders a node knows. The oldest of those that were delivered is forgotten first.
const MAX_ORDERS: usize = 1000;

/// The orders; clones are handles on the same ones.
///
/// How far an order has come is what was published of it last, which all nodes see. The node that
/// sent it on its way sees to its next step. Each other one that has a viewer of it waits for that
/// step too, for longer, and takes it where it does not come. The publish key of a step is the step
/// before it, so that there is one next step, whoever publishes it.
#[derive(Clone)]
pub(crate) struct Orders {
    hub: Hub,
    clock: Clock,
    /// The time from one status to the next.
    pace: Duration,
    book: Arc<Mutex<Book>>,
}

/// The orders that this node sees to, or did.
type Book = Register<OrderId, Order>;

struct Order {
    is_delivered: bool,
}

impl Ends for Order {
    fn is_over(&self) -> bool {
        self.is_delivered
    }
}

/// How far an order has come.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    id: EventId,
    status: OrderStatus,
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
    ///
    /// Two nodes that are asked to at the same moment send the same order.
    pub(super) async fn simulate(&self, id: OrderId) -> Result<(), Refused> {
        let mut book = self.book.lock().await;
        let newest = Step::newest(&self.hub, &id).await?;
        let is_on_its_way = match &newest {
            Some(step) => !step.is_last(),
            // It is too long ago for the hub.
            None => book.get(&id).is_some_and(|order| !order.is_delivered),
        };
        if is_on_its_way {
            return Err(Refused::OnItsWay);
        }
        book.make_room()?;
        let first = publish(
            &self.hub,
            &id,
            newest.as_ref(),
            OrderStatus::Created,
            self.clock,
        );
        let first = first.await?;
        self.see_to(&mut book, id, first, Turn::Ours);
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
        // An engine that is not reached now will be later: the stream waits, as it does for an order
        // that is not there yet.
        let made = newest_of(&self.hub, &topic, 2 * OrderStatus::ALL.len()).await;
        let made = made.unwrap_or_default();
        let newest = made.last().and_then(Step::of);
        let steps = self.hub.subscribe(&topic)?.end_after(is_delivery);
        let mut book = self.book.lock().await;
        let is_over = match &newest {
            Some(step) => step.is_last() && last_event_id.id() == Some(&step.id),
            // It is too long ago for the hub.
            None => book.get(id).is_some_and(|order| order.is_delivered),
        };
        if is_over {
            return Ok(None);
        }
        if let Some(step) = newest {
            let is_ours = book.get(id).is_some_and(|order| !order.is_delivered);
            if !step.is_last() && !is_ours && book.make_room().is_ok() {
                self.see_to(&mut book, id.clone(), step, Turn::Theirs);
            }
        }
        let is_new = *last_event_id == LastEventId::default();
        Ok(Some(match last_of_the_order_before(&made) {
            Some(before) if is_new => steps.after(before),
            _ => steps.recent(usize::MAX).after(last_event_id),
        }))
    }

    /// Has an order take its remaining steps, for as long as somebody holds the hub or one of its
    /// streams.
    fn see_to(&self, book: &mut Book, id: OrderId, mut step: Step, mut turn: Turn) {
        let order = Order {
            is_delivered: false,
        };
        book.enter(id.clone(), order);
        let (clock, pace, book) = (self.clock, self.pace, Arc::clone(&self.book));
        let hub = self.hub.downgrade();
        tokio::spawn(async move {
            while !step.is_last() {
                sleep(turn.patience(pace)).await;
                let Some(hub) = hub.upgrade() else {
                    return;
                };
                // Held, so that who sees the delivery can order again.
                let mut book = book.lock().await;
                match go_on(&hub, &id, &step, turn, clock).await {
                    Ok((next, whose)) => (step, turn) = (next, whose),
                    Err(error) => {
                        tracing::error!(%error, order = %id, "a step was not published");
                    }
                }
                if let Some(order) = book.get_mut(&id) {
                    order.is_delivered = step.is_last();
                }
            }
        });
    }
}

/// Whose turn it is to publish an order's next step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Ours,
    Theirs,
}

impl Turn {
    /// How long to wait for it: for another node longer, and not all for the same time.
    fn patience(self, pace: Duration) -> Duration {
        match self {
            Self::Ours => pace,
            Self::Theirs => 2 * pace + pace.mul_f64(fastrand::f64()),
        }
    }
}

/// Publishes the next step, unless another node has meanwhile. Answers how far the order has come,
/// and whose turn it is.
async fn go_on(
    hub: &Hub,
    id: &OrderId,
    last: &Step,
    turn: Turn,
    clock: Clock,
) -> Result<(Step, Turn), PublishError> {
    let newest = Step::newest(hub, id).await?;
    if let Some(newest) = newest.filter(|newest| newest != last) {
        return Ok((newest, Turn::Theirs));
    }
    if turn == Turn::Theirs {
        // Whoever published it may have been lost before all had it.
        publish_to_all(hub, id, last, clock).await?;
    }
    let Some(next) = last.status.next() else {
        return Ok((last.clone(), turn));
    };
    let next = publish(hub, id, Some(last), next, clock).await?;
    Ok((next, Turn::Ours))
}

impl Step {
    /// The newest step that is kept of an order.
    async fn newest(hub: &Hub, id: &OrderId) -> Result<Option<Self>, TopicError> {
        let newest = hub.newest(&topic(id)).await?;
        Ok(newest.and_then(|message| Self::of(&message)))
    }

    fn is_last(&self) -> bool {
        self.status == OrderStatus::Delivered
    }

    fn of(message: &hub::Message) -> Option<Self> {
        #[derive(Deserialize)]
        struct Update {
            status: OrderStatus,
        }

        let Update { status } = message.json().ok()?;
        Some(Self {
            id: message.id(),
            status,
        })
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

/// Publishes the step after another one to the viewers of the order, and to those of all orders.
async fn publish(
    hub: &Hub,
    id: &OrderId,
    after: Option<&Step>,
    status: OrderStatus,
    clock: Clock,
) -> Result<Step, PublishError> {
    let key = match after {
        Some(step) => format!("after {}", step.id),
        None => "first".to_owned(),
    };
    let update = update(id, status, clock);
    let step = Step {
        id: hub.publish(&topic(id), update).key(&key).await?,
        status,
    };
    publish_to_all(hub, id, &step, clock).await?;
    Ok(step)
}

async fn publish_to_all(
    hub: &Hub,
    id: &OrderId,
    step: &Step,
    clock: Clock,
) -> Result<(), PublishError> {
    let update = update(id, step.status, clock);
    hub.publish(ALL, update).key(step.id.as_str()).await?;
    Ok(())
}

fn update(id: &OrderId, status: OrderStatus, clock: Clock) -> Event<Tagged<Message>> {
    Event::tagged(Message::Order(OrderUpdate {
        order_id: id.to_string(),
        status,
        step: status.step(),
        steps: OrderStatus::ALL.len(),
        timestamp: clock.now(),
    }))
}

/// Whether a step is the last one.
fn is_delivery(message: &hub::Message) -> bool {
    Step::of(message).is_some_and(|step| step.is_last())
}

/// Of the newest steps, the one before the newest order began: that of an earlier order of the same
/// id, whose steps are not this one's.
fn last_of_the_order_before(made: &[hub::Message]) -> Option<EventId> {
    let is_first = |message| Step::of(message).is_some_and(|it| it.status == OrderStatus::Created);
    let first = made.iter().rposition(is_first)?;
    Some(made[..first].last()?.id())
}
