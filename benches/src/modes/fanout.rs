//! What it costs to send one event to many, and how long it takes until all have it.

use std::time::{Duration, Instant};

use clap::Parser;

use super::{
    Mode, Running, Subject, Subjects,
    deliveries::{Deliveries, PERCENTILES},
    moment::Moment,
    progress::Progress,
    take_turns,
};
use crate::{
    load::{Client, Opening, Sources, Target, ensure_files},
    report::{Chart, Figure, Output, Report, Run, Unit},
};

/// Publishes to many connections: as fast as all of them get it, or at a rate
#[derive(Clone, Debug, Parser)]
pub struct Fanout {
    /// How many connections get each event
    #[arg(long, default_value_t = 10_000, value_parser = super::at_least_one)]
    connections: usize,
    /// How many events are published
    #[arg(long, default_value_t = 100, value_parser = super::at_least_one)]
    publishes: usize,
    /// Events a second; without it the next one is published when all have the last one
    #[arg(long, value_parser = super::more_than_nothing)]
    rate: Option<f64>,
    /// A delivery that takes longer has failed
    #[arg(long, default_value_t = 10)]
    deadline_secs: u64,
    /// Where events for anyone's server are posted
    #[arg(long, requires = "url", value_parser = str::parse::<Target>)]
    publish_url: Option<Target>,
    #[command(flatten)]
    subjects: Subjects,
    #[command(flatten)]
    output: Output,
}

/// How much is published, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) connections: usize,
    pub(super) publishes: usize,
    pub(super) rate: Option<f64>,
    pub(super) deadline: Duration,
}

/// Before it is measured: what a first event needs is there then.
const WARM_UP: usize = 3;

/// How long it is looked for events that come once more.
const AFTERMATH: Duration = Duration::from_millis(100);

pub(super) const CPU: Figure = Figure::compared(
    "cpu_delivery_ns",
    "server CPU a delivery",
    Unit::Microseconds,
);

const FIGURES: &[Figure] = &[
    Figure::compared("deliveries_per_second", "deliveries", Unit::PerSecond),
    Figure::compared("p50_ms", "latency p50", Unit::Milliseconds),
    Figure::compared("p99_ms", "latency p99", Unit::Milliseconds),
    Figure::compared("max_ms", "latency max", Unit::Milliseconds),
    CPU,
    Figure::new(
        "client_turn_ms",
        "client's longest turn",
        Unit::Milliseconds,
    ),
    Figure::new("lost", "lost", Unit::Count),
    Figure::new("doubled", "doubled", Unit::Count),
];

impl Mode for Fanout {
    fn measure(&self) -> Result<Report, String> {
        ensure_files(self.connections as u64)?;
        let plan = Plan {
            connections: self.connections,
            publishes: self.publishes,
            rate: self.rate,
            deadline: Duration::from_secs(self.deadline_secs),
        };
        let runs = take_turns(&self.subjects, |subject, number| {
            let server = subject.start(1)?;
            let to = publish_target(subject, &server, self.publish_url.as_ref())?;
            measure_one(&server, &to, number, plan).map(|run| vec![run])
        })?;
        let charts = [
            Chart::latencies("Time from publishing to delivery", &runs),
            Chart::bars("Server CPU a delivery", &runs, &[("a delivery", CPU)]),
        ];
        Ok(Report::new(
            match self.rate {
                Some(rate) => format!("Fan-out, {rate} events a second"),
                None => "Fan-out, the next event when all have the last one".to_owned(),
            },
            FIGURES,
            runs,
        )
        .notes(self.notes())
        .charts(charts)
        .reference(self.subjects.reference()?))
    }

    fn output(&self) -> &Output {
        &self.output
    }
}

impl Fanout {
    fn notes(&self) -> Vec<String> {
        let mut notes = vec![format!(
            "Each of {} events carries its number and the time at which it was sent; each connection has to \
             get each of them once, in order, within {} s, or the run fails. {WARM_UP} more are published \
             before, unmeasured.",
            self.publishes, self.deadline_secs
        )];
        if self.rate.is_some() {
            notes.push(
                "Latency counts from the time at which an event was due, so that one that waits for those \
                 before it is as late as it is."
                    .to_owned(),
            );
        }
        notes.push(
            "One thread on the same machine reads all connections: latency has its reading in it, one \
             delivery after the other."
                .to_owned(),
        );
        notes
    }
}

/// Where events are posted.
pub(super) fn publish_target(
    subject: &Subject,
    server: &Running,
    given: Option<&Target>,
) -> Result<Target, String> {
    match (subject, given) {
        (Subject::Theirs { .. }, Some(target)) => Ok(target.clone()),
        (Subject::Theirs { .. }, None) => Err(
            "--url needs --publish-url, to which events are posted: the body is one event's data"
                .to_owned(),
        ),
        (Subject::Ours { .. }, _) => Ok(server.target("/publish")),
    }
}

/// Opens, publishes and closes, on a server that runs.
pub(super) fn measure_one(
    server: &Running,
    to: &Target,
    number: u32,
    plan: Plan,
) -> Result<Run, String> {
    let step = |what: &str| format!("{}, run {number}: {what}", server.name());
    let io = |error: std::io::Error| error.to_string();
    let target = server.target("/live");
    let sources = Sources::new(target.address, plan.connections, 0);
    let mut client = Client::new(target, sources).map_err(io)?;
    let mut deliveries = Deliveries::new(plan.connections);
    let mut run = Run::new(server.name(), number, plan.connections);

    let before = Moment::of(server)?;
    let progress = Progress::new(&step("opening"), plan.connections);
    client
        .open(
            plan.connections,
            Opening::default(),
            &mut deliveries,
            |opened| progress.at(opened),
        )
        .map_err(io)?;
    drop(progress);
    let opened = Moment::of(server)?;
    if server.is_measurable() {
        let connections = client.open_streams().max(1) as f64;
        run.set("rss_bytes", opened.rss_since(&before) / connections);
        run.set("cpu_setup_ns", opened.cpu_since(&before) / connections);
    }

    let warm_up = Plan {
        publishes: WARM_UP,
        rate: None,
        ..plan
    };
    let mut published = publish(
        &mut client,
        to,
        &mut deliveries,
        warm_up,
        &step("warming up"),
    )?;
    let measured = Moment::of(server)?;
    let start = Instant::now();
    if published {
        deliveries.begin();
        client.reset_longest_turn();
        published = publish(&mut client, to, &mut deliveries, plan, &step("publishing"))?;
    }
    let elapsed = start.elapsed();
    let done = Moment::of(server)?;
    let delivered = deliveries.delivered() as f64;
    if published {
        let until = Instant::now() + AFTERMATH;
        while Instant::now() < until {
            client
                .turn(Duration::from_millis(10), &mut deliveries)
                .map_err(io)?;
        }
    }

    run.set("deliveries_per_second", delivered / elapsed.as_secs_f64());
    run.set("elapsed_ms", elapsed.as_secs_f64() * 1000.0);
    run.set(
        "client_turn_ms",
        client.longest_turn().as_secs_f64() * 1000.0,
    );
    run.set("lost", deliveries.lost() as f64);
    run.set("doubled", deliveries.doubled() as f64);
    if delivered > 0.0 {
        if server.is_measurable() {
            run.set("cpu_delivery_ns", done.cpu_since(&measured) / delivered);
        }
        run.set("p50_ms", deliveries.latency(50.0));
        run.set("p99_ms", deliveries.latency(99.0));
        run.set("max_ms", deliveries.latency(100.0));
        run.latencies = PERCENTILES
            .iter()
            .map(|percentile| (*percentile, deliveries.latency(*percentile)))
            .collect();
    }
    run.troubles = deliveries.into_troubles();
    Ok(run)
}

/// Whether all were delivered; what was not is among the troubles.
fn publish(
    client: &mut Client,
    to: &Target,
    deliveries: &mut Deliveries,
    plan: Plan,
    what: &str,
) -> Result<bool, String> {
    let progress = Progress::new(what, plan.publishes);
    let start = Instant::now();
    for n in 0..plan.publishes {
        let due = plan.rate.map_or_else(Instant::now, |rate| {
            start + Duration::from_secs_f64(n as f64 / rate)
        });
        while let Some(left) = due.checked_duration_since(Instant::now()) {
            if left.is_zero() {
                break;
            }
            // A poll waits whole milliseconds; what is left of one is waited for in turns.
            let patience = left.saturating_sub(Duration::from_millis(1));
            turn(client, deliveries, patience)?;
        }
        let body = deliveries.next_event(due);
        client
            .publish(to, &body)
            .map_err(|error| format!("publishing failed: {error}"))?;
        if plan.rate.is_none() && !wait(client, deliveries, plan)? {
            return Ok(false);
        }
        progress.at(n + 1);
    }
    wait(client, deliveries, plan)
}

/// Until all have all that was published.
fn wait(client: &mut Client, deliveries: &mut Deliveries, plan: Plan) -> Result<bool, String> {
    let start = Instant::now();
    loop {
        let publication = client.publication();
        if let Some(fault) = publication.fault {
            deliveries.note(fault);
            return Ok(false);
        }
        if deliveries.is_complete() && publication.accepted >= deliveries.published() {
            return Ok(true);
        }
        if start.elapsed() > plan.deadline {
            if deliveries.is_complete() {
                deliveries.note("publishing was not answered, though all was delivered");
            } else {
                deliveries.note_missing(plan.deadline);
            }
            return Ok(false);
        }
        turn(client, deliveries, Duration::from_millis(100))?;
    }
}

fn turn(
    client: &mut Client,
    deliveries: &mut Deliveries,
    patience: Duration,
) -> Result<(), String> {
    client
        .turn(patience, deliveries)
        .map_err(|error| error.to_string())
}
