use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_stream::stream;
use futures_util::stream::Stream;
use sse_layer::{Event, Tagged};
use tokio::{sync::watch, time::sleep};

use super::OrderId;
use crate::{
    clock::Clock,
    journal::Journal,
    message::{Message, OrderStatus, OrderUpdate, Topic},
};

/// How many orders are remembered. The oldest of those that were delivered is forgotten first.
const MAX_ORDERS: usize = 1000;

/// The orders; clones are handles on the same ones.
#[derive(Clone)]
pub(crate) struct Orders {
    journal: Journal,
    clock: Clock,
    /// The time from one status to the next.
    pace: Duration,
    book: Arc<Mutex<Book>>,
}

#[derive(Default)]
struct Book {
    orders: HashMap<OrderId, watch::Receiver<History>>,
    oldest_first: VecDeque<OrderId>,
}

/// All steps that an order has made, with the ids of their events. There are six at most, so all
/// are kept, and a channel that always shows the latest of them serves late viewers and live ones
/// alike.
type History = Vec<(u64, OrderUpdate)>;

/// Why an order can't be sent on its way.
#[derive(Debug)]
pub(super) enum Refused {
    OnItsWay,
    TooMany,
}

impl Orders {
    pub(crate) fn new(journal: Journal, clock: Clock, pace: Duration) -> Self {
        Self {
            journal,
            clock,
            pace,
            book: Arc::default(),
        }
    }

    /// Sends an order on its way; one that was delivered can be ordered again.
    pub(super) fn simulate(&self, id: OrderId) -> Result<(), Refused> {
        let history = watch::Sender::new(History::new());
        self.book().enter(&id, history.subscribe())?;
        let (clock, pace) = (self.clock, self.pace);
        let [first, rest @ ..] = OrderStatus::ALL;
        record(&self.journal, &history, update(&id, first, clock));
        let journal = self.journal.downgrade();
        tokio::spawn(async move {
            for status in rest {
                sleep(pace).await;
                let Some(journal) = journal.upgrade() else {
                    return;
                };
                record(&journal, &history, update(&id, status, clock));
            }
        });
        Ok(())
    }

    /// The steps after the one that was seen, until the last one.
    pub(super) fn follow(
        self,
        id: OrderId,
        mut seen: u64,
    ) -> impl Stream<Item = Event<Tagged<Message>>> {
        stream! {
            let mut history = self.appearance(&id).await;
            loop {
                let steps = history.borrow_and_update().clone();
                let is_over = is_delivered(&steps);
                let new = steps.partition_point(|&(id, _)| id <= seen);
                for (id, update) in steps.into_iter().skip(new) {
                    seen = id;
                    yield Event::tagged(Message::Order(update)).with_id(id);
                }
                if is_over || history.changed().await.is_err() {
                    return;
                }
            }
        }
    }

    /// Whether nothing comes after the step that was seen.
    pub(super) fn is_over(&self, id: &OrderId, seen: u64) -> bool {
        match self.book().orders.get(id) {
            Some(history) => {
                let steps = history.borrow();
                is_delivered(&steps) && steps.iter().all(|&(id, _)| id <= seen)
            }
            // Who has seen a step of an order that is not there any more: it was delivered.
            None => true,
        }
    }

    /// Whether the id is one of an event from here.
    pub(super) fn knows(&self, id: u64) -> bool {
        self.journal.knows(id)
    }

    /// Waits for an order that is not there yet.
    async fn appearance(&self, id: &OrderId) -> watch::Receiver<History> {
        let mut news = self.journal.news(Topic::Orders);
        loop {
            if let Some(history) = self.book().orders.get(id) {
                return history.clone();
            }
            // Never an error: the journal is held here.
            let _ = news.changed().await;
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// Makes room for an order, and enters it.
    fn enter(&mut self, id: &OrderId, history: watch::Receiver<History>) -> Result<(), Refused> {
        if self
            .orders
            .get(id)
            .is_some_and(|order| !is_delivered(&order.borrow()))
        {
            return Err(Refused::OnItsWay);
        }
        if self.orders.contains_key(id) {
            self.oldest_first.retain(|other| other != id);
        } else if self.orders.len() >= MAX_ORDERS {
            let delivered = self
                .oldest_first
                .iter()
                .position(|id| {
                    self.orders
                        .get(id)
                        .is_some_and(|order| is_delivered(&order.borrow()))
                })
                .ok_or(Refused::TooMany)?;
            if let Some(forgotten) = self.oldest_first.remove(delivered) {
                self.orders.remove(&forgotten);
            }
        }
        self.oldest_first.push_back(id.clone());
        self.orders.insert(id.clone(), history);
        Ok(())
    }
}

fn is_delivered(history: &History) -> bool {
    history
        .last()
        .is_some_and(|(_, update)| update.status == OrderStatus::Delivered)
}

fn update(id: &OrderId, status: OrderStatus, clock: Clock) -> OrderUpdate {
    OrderUpdate {
        order_id: id.to_string(),
        status,
        step: status.step(),
        steps: OrderStatus::ALL.len(),
        timestamp: clock.now(),
    }
}

/// Publishes a step, and adds it to what the order's own viewers see.
fn record(journal: &Journal, history: &watch::Sender<History>, update: OrderUpdate) {
    let published = journal.publish(Message::Order(update.clone()));
    history.send_modify(|history| history.push((published.id, update)));
}
