//! The tables of events in the README: all contenders in turn, round by round.

use std::{hint::black_box, iter, time::Instant};

use sse_benches::{
    Pace, Payload, Rounds, Table,
    contenders::{self, Send},
    is_measured,
};
use tokio::runtime::Builder;

const EVENTS: usize = 1000;
const ROUNDS: usize = 501;

/// To which the ratios are.
const REFERENCE: &str = "axum";

fn main() {
    let rounds = if is_measured() { ROUNDS } else { 1 };
    // Keep-alive timers want a clock; nothing here waits for one.
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let _entered = runtime.enter();
    for (pace, title) in [
        (Pace::Ready, "Always ready"),
        (Pace::OneByOne, "One by one"),
    ] {
        let mut table = Table::new(iter::once(title).chain(Payload::ALL.map(Payload::name)));
        let columns = Payload::ALL.map(|payload| measure(payload, pace, rounds));
        for (contender, (name, _)) in contenders::ALL.into_iter().enumerate() {
            let cells = columns.iter().map(|column| column[contender].clone());
            table.row(iter::once(name.to_owned()).chain(cells));
        }
        println!("{table}");
    }
}

/// For each contender the nanoseconds an event, and how many times as fast as the reference.
fn measure(payload: Payload, pace: Pace, rounds: usize) -> Vec<String> {
    let reference = contenders::ALL
        .iter()
        .position(|(name, _)| *name == REFERENCE)
        .expect("the reference is a contender");
    let figures = Rounds::run(rounds, contenders::ALL.len(), |contender| {
        let (_, send) = contenders::ALL[contender];
        nanoseconds(send, payload, pace)
    })
    .figures(|time| *time);
    (0..contenders::ALL.len())
        .map(|contender| {
            let time = figures.median(contender);
            let ratio = figures.ratio(reference, contender);
            format!("{time:.0} ns ({ratio:.1}x)")
        })
        .collect()
}

fn nanoseconds(send: Send, payload: Payload, pace: Pace) -> f64 {
    let start = Instant::now();
    send(black_box(payload), EVENTS, pace, &mut |chunk| {
        black_box(chunk);
    });
    start.elapsed().as_secs_f64() * 1e9 / EVENTS as f64
}
