//! The tables of the hub in the README: all contenders in turn, round by round.

use std::{iter, sync::Arc, time::Instant};

use sse_benches::{
    Figures, Rounds, Table,
    broadcast::{self, Audience, Measured},
    is_measured,
    resume::{MISSED, Missed, Read},
};
use tokio::runtime::{Builder, Runtime};

const SUBSCRIBERS: [(usize, &str); 3] = [
    (1, "1 subscriber"),
    (100, "100 subscribers"),
    (10_000, "10,000 subscribers"),
];

/// One event at a time, and as many as fit into every queue.
const BURSTS: [usize; 2] = [1, 64];

/// So many deliveries at least for each contender in a round, or a burst.
const DELIVERIES: usize = 40_000;

const ROUNDS: usize = 31;

const RESUME_ROUNDS: usize = 501;

fn main() {
    let runtimes = [
        ("one thread", Builder::new_current_thread()),
        ("two threads", {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(2);
            builder
        }),
    ];
    for (threads, mut builder) in runtimes {
        let runtime = builder.enable_time().build().expect("a runtime");
        publish(&runtime, threads);
    }
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let _entered = runtime.enter();
    resume();
}

fn publish(runtime: &Runtime, threads: &str) {
    let mut columns = BURSTS.map(|_| Vec::new());
    for (subscribers, _) in SUBSCRIBERS {
        let subscribers = if is_measured() {
            subscribers
        } else {
            subscribers.min(100)
        };
        let audiences = {
            let _entered = runtime.enter();
            broadcast::ALL.map(|(_, gather)| gather(subscribers))
        };
        for (burst, columns) in BURSTS.into_iter().zip(&mut columns) {
            columns.push(measure(runtime, &audiences, subscribers, burst));
        }
    }
    for (burst, columns) in BURSTS.into_iter().zip(columns) {
        let events = match burst {
            1 => "one event at a time".to_owned(),
            burst => format!("{burst} events at once"),
        };
        let head = SUBSCRIBERS.map(|(_, title)| title.to_owned());
        let mut deliveries = Table::new(
            iter::once(format!("M deliveries/s, {threads}, {events}")).chain(head.clone()),
        );
        let mut calls =
            Table::new(iter::once(format!("µs a publish, {threads}, {events}")).chain(head));
        for (contender, (name, _)) in broadcast::ALL.into_iter().enumerate() {
            let name = || iter::once(name.to_owned());
            let rates = columns.iter().map(|rounds| rate(rounds, contender));
            deliveries.row(name().chain(rates));
            let times = columns.iter().map(|rounds| time_of_call(rounds, contender));
            calls.row(name().chain(times));
        }
        println!("{deliveries}\n{calls}");
    }
}

fn measure(
    runtime: &Runtime,
    audiences: &[Arc<Audience>],
    subscribers: usize,
    burst: usize,
) -> Rounds<Measured> {
    let (rounds, deliveries) = if is_measured() {
        (ROUNDS, DELIVERIES)
    } else {
        (1, 1)
    };
    let bursts = deliveries.div_ceil(subscribers * burst);
    let run = |contender: usize| audiences[contender].measure(runtime, burst, bursts);
    // Queues and histories grow to where they stay.
    Rounds::run(1, audiences.len(), run);
    Rounds::run(rounds, audiences.len(), run)
}

fn rate(rounds: &Rounds<Measured>, contender: usize) -> String {
    let rates = rounds.figures(|measured| measured.deliveries_per_second / 1e6);
    with_range(&rates, contender, reference())
}

fn time_of_call(rounds: &Rounds<Measured>, contender: usize) -> String {
    let times = rounds.figures(|measured| measured.publish_nanoseconds / 1e3);
    with_range(&times, contender, reference())
}

fn reference() -> usize {
    broadcast::ALL
        .iter()
        .position(|(name, _)| *name == broadcast::REFERENCE)
        .expect("the reference is a contender")
}

fn resume() {
    let ways: [(&str, usize, Read); 4] = [
        ("frames of one topic", 1, Missed::as_frames),
        ("frames of three topics", 3, Missed::as_frames),
        ("body, one topic", 1, Missed::as_body),
        ("body, three topics", 3, Missed::as_body),
    ];
    let missed = ways.map(|(_, topics, _)| Missed::of(topics));
    let rounds = if is_measured() { RESUME_ROUNDS } else { 1 };
    let rounds = Rounds::run(rounds, ways.len(), |way| {
        let (_, _, read) = ways[way];
        let begin = Instant::now();
        let resumed = read(&missed[way]);
        let took = begin.elapsed();
        drop(resumed);
        took.as_secs_f64()
    });
    let times = rounds.figures(|seconds| seconds * 1e6);
    let rates = rounds.figures(|seconds| MISSED as f64 / seconds / 1e6);
    let head = format!("Resume of {MISSED} events");
    let mut table = Table::new([head.as_str(), "µs", "M events/s"]);
    for (way, (name, ..)) in ways.into_iter().enumerate() {
        let time = with_range(&times, way, 0);
        table.row([name.to_owned(), time, format!("{:.1}", rates.median(way))]);
    }
    println!("{table}");
}

/// The median, the lowest and the highest of the rounds, and the median of the ratios.
fn with_range(figures: &Figures, contender: usize, reference: usize) -> String {
    let [median, min, max] = [
        figures.median(contender),
        figures.min(contender),
        figures.max(contender),
    ]
    .map(short);
    let ratio = figures.ratio(contender, reference);
    format!("{median} ({min}–{max}) {ratio:.2}x")
}

/// With as many digits as tell something.
fn short(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
