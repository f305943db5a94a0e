//! The task that keeps a node's topics in step with the engine.

use std::{
    mem,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{Node, Work, backoff::backoff, refill};
use crate::{
    backplane::{Backplane, BackplaneError, Place},
    hub::{position::Epoch, shared::Shared, topic::Topic},
};

/// So many topics are opened at once.
const OPENINGS_AT_ONCE: usize = 4096;

/// How often it looks around without being asked, at most and at least.
const LOOK_AROUND: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));

struct Driver {
    engine: Arc<dyn Backplane>,
    /// What could not be opened, and when it is tried again.
    delayed: Vec<(Instant, Arc<Topic>)>,
    /// How often calls have failed in a row, and when the next may be made.
    failures: u32,
    not_before: Instant,
    looked_around: Instant,
}

type Refused = (Arc<Topic>, BackplaneError);

/// What is done at once.
struct Turn {
    work: Work,
    at_least: Place,
    asks_for_frontier: bool,
    /// How often the engine had been away by then.
    outages: u64,
}

/// Works until the hub is gone.
pub(super) async fn run(shared: Weak<Shared>, engine: Arc<dyn Backplane>, wake: Arc<Notify>) {
    let mut driver = Driver {
        engine,
        delayed: Vec::new(),
        failures: 0,
        not_before: Instant::now(),
        looked_around: Instant::now(),
    };
    while let Some(pause) = shared.upgrade().map(|shared| driver.pause(&shared)) {
        // Nobody has woken it: then something is due.
        let _ = timeout(pause, wake.notified()).await;
        driver.turn(&shared).await;
    }
}

impl Driver {
    async fn turn(&mut self, weak: &Weak<Shared>) {
        let Some(mut turn) = weak.upgrade().and_then(|shared| self.begin(&shared)) else {
            return;
        };
        let (opened, refused) = self.listen(mem::take(&mut turn.work.openings)).await;
        // Asked for after they are listened to: it is the place from which they are complete.
        let reached = match turn.asks_for_frontier || !opened.is_empty() {
            true => Some(self.engine.frontier(turn.at_least).await),
            false => None,
        };
        let Some(shared) = weak.upgrade() else { return };
        self.refused(&shared, refused, turn.outages);
        match reached {
            None => {}
            Some(Ok(place)) => self.reached(&shared, place, turn, opened),
            Some(Err(error)) => self.failed(&shared, &error, turn.work, opened),
        }
        // Behind all that has become of topics.
        if let Some(node) = &shared.node {
            node.opened.notify_waiters();
        }
    }

    /// What there is to do.
    fn begin(&mut self, shared: &Arc<Shared>) -> Option<Turn> {
        let node = shared.node.as_ref()?;
        let now = Instant::now();
        let is_due = now - self.looked_around >= look_around(shared);
        if is_due {
            self.looked_around = now;
            shared.sweep();
            node.reads.sweep();
            // In a long outage many may come and go.
            node.work().openings.retain(|topic| !topic.is_gone());
            self.delayed.retain(|(_, topic)| !topic.is_gone());
        }
        let left = mem::take(&mut node.work().left);
        for name in left {
            // It may have been made anew, and then it is listened to, or will be.
            if shared.topics.get(&name).is_none() {
                self.engine.leave(&name);
            }
        }
        if !node.is_connected() || now < self.not_before {
            return None;
        }
        let outages = node.outages();
        let mut work = node.take_work();
        self.delayed.retain(|(at, topic)| {
            let is_due = *at <= now;
            if is_due {
                work.openings.push(Arc::clone(topic));
            }
            !is_due
        });
        work.openings.retain(|topic| !topic.is_gone());
        for topic in mem::take(&mut work.behind) {
            refill::begin(shared, topic);
        }
        // For those to whose topics nothing comes, who are told their position all the same.
        let is_idle = is_due && shared.topics.len() > 0;
        Some(Turn {
            asks_for_frontier: is_idle || work.is_back.is_some() || !work.frontiers.is_empty(),
            work,
            outages,
            at_least: Place {
                epoch: shared.ledger.epoch().number(),
                sequence: shared.ledger.last(),
            },
        })
    }

    /// Listens to topics. Answers those that are listened to, and the others.
    async fn listen(&self, mut topics: Vec<Arc<Topic>>) -> (Vec<Arc<Topic>>, Vec<Refused>) {
        let mut opened = Vec::with_capacity(topics.len());
        let mut refused = Vec::new();
        while !topics.is_empty() {
            let rest = topics.split_off(topics.len().min(OPENINGS_AT_ONCE));
            let mut calls = JoinSet::new();
            for topic in mem::replace(&mut topics, rest) {
                let engine = Arc::clone(&self.engine);
                calls.spawn(async move {
                    let listened = engine.listen(&topic.name).await;
                    (topic, listened)
                });
            }
            while let Some(call) = calls.join_next().await {
                match call {
                    Ok((topic, Ok(()))) => opened.push(topic),
                    Ok((topic, Err(error))) => refused.push((topic, error)),
                    Err(_) => {}
                }
            }
        }
        (opened, refused)
    }

    fn reached(&mut self, shared: &Arc<Shared>, place: Place, turn: Turn, opened: Vec<Arc<Topic>>) {
        let Some(node) = &shared.node else { return };
        let work = turn.work;
        self.failures = 0;
        let epoch = Epoch::of(place.epoch);
        // Not from the epoch of now: this may be from before a loss that has shown since.
        shared.begin_epoch(Epoch::of(turn.at_least.epoch), place);
        shared.ledger.reached(epoch, place.sequence);
        for topic in opened {
            // If it was away since, what has come meanwhile is read when it is back. And if a loss
            // has shown since, the topic is gone.
            topic.open(epoch, place.sequence, || node.outages() != turn.outages);
            refill::begin(shared, topic);
        }
        for answer in work.frontiers {
            answer.set(());
        }
        if let Some(outage) = work.is_back {
            for topic in shared.topics.all() {
                topic.come_back(|| node.outages() == outage);
                refill::begin(shared, topic);
            }
        }
    }

    fn failed(
        &mut self,
        shared: &Arc<Shared>,
        error: &BackplaneError,
        work: Work,
        opened: Vec<Arc<Topic>>,
    ) {
        let Some(node) = &shared.node else { return };
        tracing::debug!(
            target: crate::observe::TARGET,
            error = error as &dyn std::error::Error,
            "how far the engine is is not known",
        );
        self.failures = self.failures.saturating_add(1);
        self.not_before = Instant::now() + backoff(self.failures);
        put_back(node, work, opened);
    }

    fn refused(&mut self, shared: &Shared, refused: Vec<Refused>, outages: u64) {
        let Some(node) = &shared.node else { return };
        for (topic, error) in refused {
            if node.outages() == outages {
                self.delay(topic, &error);
            } else {
                // Not because of the topic: it is due as soon as the engine is back.
                node.open(topic);
            }
        }
    }

    fn delay(&mut self, topic: Arc<Topic>, error: &BackplaneError) {
        tracing::warn!(
            target: crate::observe::TARGET,
            topic = &*topic.name,
            error = error as &dyn std::error::Error,
            "a topic can't be listened to",
        );
        let attempt = topic.attempt();
        self.delayed
            .push((Instant::now() + backoff(attempt), topic));
    }

    /// How long it may wait for work.
    fn pause(&self, shared: &Shared) -> Duration {
        let now = Instant::now();
        let retries = self.delayed.iter().map(|(at, _)| *at);
        let retries = retries.chain((self.failures > 0).then_some(self.not_before));
        // What was due before has had its turn, or waits for the engine to be back.
        let retry = retries.filter(|at| *at > now).map(|at| at - now).min();
        look_around(shared).min(retry.unwrap_or(Duration::MAX))
    }
}

fn put_back(node: &Node, work: Work, opened: Vec<Arc<Topic>>) {
    let mut queued = node.work();
    queued.openings.extend(opened);
    queued.is_back = queued.is_back.max(work.is_back);
    queued.frontiers.extend(work.frontiers);
}

/// Often enough for positions to be told before the history has passed them by.
fn look_around(shared: &Shared) -> Duration {
    (shared.settings.history.age / 8).clamp(LOOK_AROUND.0, LOOK_AROUND.1)
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;
    use crate::{
        backplane::memory::Memory,
        event::Event,
        hub::{Delivery, Hub},
    };

    /// Subscribes to so many topics and drops that at once. Answers what tells whether anything
    /// still has them.
    fn come_and_go(hub: &Hub, topics: usize) -> Vec<Weak<Topic>> {
        let come_and_go = |n| {
            let client = hub.subscribe(&format!("topic {n}")).unwrap();
            let topic = hub.0.topics.get(&format!("topic {n}")).unwrap();
            drop(client);
            Arc::downgrade(&topic)
        };
        (0..topics).map(come_and_go).collect()
    }

    /// Of a topic that is left and made anew by another thread, the node may hear in this order.
    #[tokio::test(start_paused = true)]
    async fn a_topic_that_is_there_again_is_not_left() {
        let engine = Memory::new();
        let hub = Hub::builder().backplane(engine.clone()).await.unwrap();
        let mut client = hub.subscribe("news").unwrap().deliveries();
        assert!(matches!(client.next().await, Some(Delivery::Position(_))));
        let topic = hub.0.topics.get("news").unwrap();
        hub.0.node.as_ref().unwrap().leave(vec![topic]);
        tokio::time::sleep(Duration::from_millis(1)).await;
        hub.publish("news", Event::text("a")).await.unwrap();
        let next = tokio::time::timeout(Duration::from_secs(60), client.next()).await;
        assert!(matches!(next, Ok(Some(Delivery::Message(_)))), "{next:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn topics_that_come_and_go_in_an_outage_are_not_kept_until_its_end() {
        let engine = Memory::new();
        let hub = Hub::builder().backplane(engine.clone()).await.unwrap();
        engine.disconnect();
        let topics = come_and_go(&hub, 100);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(topics.iter().all(|topic| topic.strong_count() == 0));
    }

    #[tokio::test(start_paused = true)]
    async fn topics_that_could_not_be_listened_to_are_not_kept_until_the_end_of_an_outage() {
        let engine = Memory::new();
        let hub = Hub::builder().backplane(engine.clone()).await.unwrap();
        // It is away already when the node hears of it.
        engine.hold();
        engine.disconnect();
        let topics = come_and_go(&hub, 100);
        tokio::time::sleep(Duration::from_millis(1)).await;
        engine.release();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(topics.iter().all(|topic| topic.strong_count() == 0));
    }
}
