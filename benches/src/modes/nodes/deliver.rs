//! How long an event takes from its publisher through an engine to subscribers, and how many a second
//! there may be.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::{task::JoinSet, time::timeout};

use super::{
    KEPT,
    intake::Intake,
    ledger::Ledger,
    outlet::TOPIC,
    process::{self, Node},
    publisher::{CALLS, Publisher},
    runtime,
    way::Way,
};
use crate::{
    engines::{Engine, Kind},
    measure::Process,
    modes::{deliveries::PERCENTILES, progress::Progress},
    report::{Chart, Figure, Report, Run, Unit},
};

/// Latency at a rate and events a second, through nodes and through the engine alone
#[derive(Args, Clone, Debug)]
pub(super) struct Deliver {
    /// The engine
    kind: Kind,
    /// Through how many nodes, one after the other
    #[arg(long, value_delimiter = ',', default_value = "1,3", value_parser = crate::modes::at_least_one)]
    nodes: Vec<usize>,
    /// How many subscribers get each event, spread over the nodes
    #[arg(long, default_value_t = 30, value_parser = crate::modes::at_least_one)]
    subscribers: usize,
    /// Events a second while latency is measured
    #[arg(long, default_value_t = 300.0, value_parser = crate::modes::more_than_nothing)]
    rate: f64,
    /// For how long
    #[arg(long, default_value_t = 3.0, value_parser = crate::modes::more_than_nothing)]
    rate_secs: f64,
    /// For how long it is published as fast as it goes
    #[arg(long, default_value_t = 2.0, value_parser = crate::modes::more_than_nothing)]
    full_secs: f64,
    /// How many events may meanwhile be on their way to the slowest subscriber
    #[arg(long, default_value_t = 256, value_parser = crate::modes::at_least_one)]
    in_flight: usize,
    /// How many times all of it is done, in turns
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// What takes longer has failed
    #[arg(long, default_value_t = 10)]
    deadline_secs: u64,
}

/// Before it is measured: what a first event needs is there then.
const WARM_UP: u64 = 100;

const NODE_CPU: Figure = Figure::new(
    "node_cpu_delivery_ns",
    "nodes' CPU a delivery, at full rate",
    Unit::Microseconds,
);

const P50: Figure = Figure::compared("p50_ns", "latency p50", Unit::Microseconds);

const RATE: Figure = Figure::compared("events_per_second", "events at full rate", Unit::PerSecond);

const FIGURES: &[Figure] = &[
    P50,
    Figure::compared("p99_ns", "latency p99", Unit::Microseconds),
    Figure::new("max_ns", "latency max", Unit::Microseconds),
    RATE,
    Figure::compared(
        "engine_cpu_event_ns",
        "engine's CPU an event, at full rate",
        Unit::Microseconds,
    ),
    NODE_CPU,
    Figure::new(
        "client_percent",
        "client's CPU, of a core, at full rate",
        Unit::Percent,
    ),
    Figure::new("lost", "lost", Unit::Count),
    Figure::new("doubled", "doubled", Unit::Count),
];

impl Deliver {
    pub(super) fn measure(&self) -> Result<Report, String> {
        let ways: Vec<Way> = [Way::Plain, Way::WithHistory]
            .into_iter()
            .chain(self.nodes.iter().copied().map(Way::Nodes))
            .collect();
        let mut runs = Vec::new();
        for number in 1..=self.runs {
            for way in &ways {
                let name = way.name(self.kind);
                let run = self.measure_one(*way, number);
                runs.push(run.map_err(|error| format!("{name}, run {number}: {error}"))?);
            }
        }
        let charts = [
            Chart::latencies("Time from publishing to delivery", &runs),
            Chart::bars("Events a second", &runs, &[("events", RATE)]),
        ];
        let title = format!(
            "{}, from the publisher to {} subscribers",
            self.kind, self.subscribers
        );
        Ok(Report::new(title, FIGURES, runs)
            .notes(self.notes())
            .charts(charts)
            .reference(Some(Way::Plain.name(self.kind))))
    }

    fn notes(&self) -> Vec<String> {
        let (plain, with_history) = (Way::Plain.name(self.kind), Way::WithHistory.name(self.kind));
        vec![
            format!(
                "Latency at {} events a second for {} s, from the time at which an event was due. Then as \
                 fast as it goes for {} s, with at most {} events on their way to the slowest subscriber and \
                 {CALLS} that the engine has yet to take; the rate is that of events which all have.",
                self.rate, self.rate_secs, self.full_secs, self.in_flight
            ),
            "Each event carries its number; each subscriber has to get each of them once and in order, or the \
             run fails."
                .to_owned(),
            "Nodes: each a process; subscribers read event streams over HTTP, the publisher is a hub of its own."
                .to_owned(),
            format!(
                "{plain} and {with_history}: each subscriber has a connection of its own to the engine. \
                 {with_history} keeps what is published, as the hub does; {plain} does not."
            ),
            "Engine, nodes and client share the machine. The engine is started anew for each run.".to_owned(),
        ]
    }

    fn measure_one(&self, way: Way, number: u32) -> Result<Run, String> {
        let what = format!("{}, run {number}", way.name(self.kind));
        let _progress = Progress::seconds(
            &what,
            Duration::from_secs_f64(self.rate_secs + self.full_secs),
        );
        let engine = Engine::start(self.kind)?;
        let nodes = match way {
            Way::Nodes(count) => (0..count)
                .map(|_| Node::start(&engine.url(), KEPT))
                .collect::<Result<_, _>>()?,
            _ => Vec::new(),
        };
        let limit = Duration::from_secs_f64(self.rate_secs + self.full_secs)
            + 4 * Duration::from_secs(self.deadline_secs)
            + Duration::from_secs(30);
        runtime()?.block_on(async {
            let run = self.run(way, number, &engine, &nodes);
            timeout(limit, run)
                .await
                .map_err(|_| format!("not done within {} s", limit.as_secs()))?
        })
    }

    async fn run(
        &self,
        way: Way,
        number: u32,
        engine: &Engine,
        nodes: &[Node],
    ) -> Result<Run, String> {
        let url = engine.url();
        let own = Process::new(std::process::id())?;
        let node_cpu = || process::cpu(nodes.iter().map(Node::process));
        let ledger = Arc::new(Ledger::new(self.subscribers));
        let publisher = Publisher::start(self.kind, way, &url, Arc::clone(&ledger)).await?;
        // Dropped, it ends the subscribers.
        let mut subscribers = JoinSet::new();
        let intakes: Vec<Intake> = stream::iter(0..self.subscribers)
            .map(|subscriber| {
                let node =
                    (!nodes.is_empty()).then(|| nodes[subscriber % nodes.len()].topic(TOPIC));
                let url = &url;
                async move { Intake::open(self.kind, way, url, node.as_ref()).await }
            })
            .buffered(16)
            .try_collect()
            .await?;
        for (subscriber, intake) in intakes.into_iter().enumerate() {
            ledger.opened(subscriber);
            subscribers.spawn(listen(subscriber, intake, Arc::clone(&ledger)));
        }

        let mut run = Run::new(&way.name(self.kind), number, self.subscribers);
        let mut is_sound = self
            .publish_all(&publisher, &ledger, |sent, _| sent < WARM_UP)
            .await;
        if is_sound {
            ledger.deliveries().begin();
            let (rate, count) = (self.rate, (self.rate * self.rate_secs).ceil());
            publish_at(&publisher, &ledger, rate, count as u64).await?;
            is_sound = ledger
                .complete(Duration::from_secs(self.deadline_secs))
                .await;
            let deliveries = ledger.deliveries();
            for (key, percentile) in [("p50_ns", 50.0), ("p99_ns", 99.0), ("max_ns", 100.0)] {
                run.set(key, deliveries.latency(percentile) * 1e6);
            }
            let latencies =
                PERCENTILES.map(|percentile| (percentile, deliveries.latency(percentile)));
            run.latencies = latencies.into();
        }
        if is_sound {
            let published_before = {
                let mut deliveries = ledger.deliveries();
                deliveries.begin();
                deliveries.published()
            };
            let before = (
                node_cpu()?,
                process::cpu([engine.process()])?,
                process::cpu([own])?,
            );
            let start = Instant::now();
            let full = Duration::from_secs_f64(self.full_secs);
            is_sound = self
                .publish_all(&publisher, &ledger, |_, elapsed| elapsed < full)
                .await;
            let elapsed = start.elapsed().as_secs_f64();
            let after = (
                node_cpu()?,
                process::cpu([engine.process()])?,
                process::cpu([own])?,
            );
            let deliveries = ledger.deliveries();
            let events = (deliveries.published() - published_before) as f64;
            if is_sound {
                run.set("events_per_second", events / elapsed);
                run.set(
                    "engine_cpu_event_ns",
                    (after.1 - before.1).as_nanos() as f64 / events,
                );
                run.set(
                    "client_percent",
                    (after.2 - before.2).as_secs_f64() / elapsed * 100.0,
                );
                if !nodes.is_empty() {
                    let node_cpu = (after.0 - before.0).as_nanos() as f64;
                    run.set(
                        "node_cpu_delivery_ns",
                        node_cpu / deliveries.delivered() as f64,
                    );
                }
            }
        }
        if is_sound {
            // For events that come once more.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        subscribers.shutdown().await;
        let deliveries = ledger.deliveries();
        run.set("lost", deliveries.lost() as f64);
        run.set("doubled", deliveries.doubled() as f64);
        run.troubles = deliveries.troubles();
        Ok(run)
    }

    /// Publishes while `more` says so, of how many there were and for how long; and waits until all have
    /// all. Whether they do.
    async fn publish_all(
        &self,
        publisher: &Publisher,
        ledger: &Ledger,
        more: impl Fn(u64, Duration) -> bool,
    ) -> bool {
        let start = Instant::now();
        let deadline = Duration::from_secs(self.deadline_secs);
        let in_flight = self.in_flight as u64;
        let first = ledger.deliveries().published();
        let (mut reached, mut since) = (0, start);
        loop {
            let is_over = {
                let mut deliveries = ledger.deliveries();
                let now = deliveries.reached();
                if now != reached {
                    (reached, since) = (now, Instant::now());
                }
                loop {
                    if deliveries.published() >= reached + in_flight {
                        break false;
                    }
                    if !more(deliveries.published() - first, start.elapsed()) {
                        break true;
                    }
                    publisher.publish(deliveries.next_event(Instant::now()));
                }
            };
            if is_over {
                return ledger.complete(deadline).await;
            }
            if since.elapsed() > deadline {
                return ledger.complete(Duration::ZERO).await;
            }
            ledger.moved().await;
        }
    }
}

async fn listen(subscriber: usize, mut intake: Intake, ledger: Arc<Ledger>) {
    loop {
        let read = intake.read(|sign| ledger.sign(subscriber, sign)).await;
        if let Err(fault) = read {
            return ledger.ended(subscriber, fault);
        }
    }
}

/// Publishes `count` events, each when it is due. A thread waits for that: timers of the runtime are of
/// milliseconds.
async fn publish_at(
    publisher: &Publisher,
    ledger: &Arc<Ledger>,
    rate: f64,
    count: u64,
) -> Result<(), String> {
    let publisher = publisher.clone();
    let ledger = Arc::clone(ledger);
    let paced = tokio::task::spawn_blocking(move || {
        let start = Instant::now();
        for n in 0..count {
            let due = start + Duration::from_secs_f64(n as f64 / rate);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let body = ledger.deliveries().next_event(due);
            publisher.publish(body);
        }
    });
    paced.await.map_err(|error| error.to_string())
}
