//! The table in the README: all contenders in turn, round by round.
//!
//! On a machine that others use too, criterion's figures of two contenders are of two moments.
//! Here each round runs them all within some milliseconds, and what is told is the median of the
//! rounds, of times as of ratios.

use std::{env, hint::black_box, time::Instant};

use sse_benches::{
    Pace, Payload,
    contenders::{self, Send},
};
use tokio::runtime::Builder;

const EVENTS: usize = 1000;
const ROUNDS: usize = 501;

/// To which the ratios are.
const REFERENCE: &str = "axum";

fn main() {
    // `cargo test --all-targets` runs it as well, only to see that it runs.
    let rounds = if env::args().any(|argument| argument == "--bench") {
        ROUNDS
    } else {
        1
    };
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
        let mut rows: Vec<String> = contenders::ALL
            .map(|(name, _)| format!("| {name} |"))
            .into();
        for payload in Payload::ALL {
            for (row, (time, ratio)) in rows.iter_mut().zip(measure(payload, pace, rounds)) {
                *row += &format!(" {time:.0} ns ({ratio:.1}x) |");
            }
        }
        let columns = Payload::ALL.map(Payload::name).join(" | ");
        println!(
            "| {title} | {columns} |\n|---|---|---|---|---|\n{}\n",
            rows.join("\n")
        );
    }
}

/// For each contender the nanoseconds an event, and how many times as fast as the reference.
fn measure(payload: Payload, pace: Pace, rounds: usize) -> Vec<(f64, f64)> {
    let reference = contenders::ALL
        .iter()
        .position(|(name, _)| *name == REFERENCE)
        .expect("the reference is a contender");
    let measured: Vec<[f64; contenders::ALL.len()]> = (0..rounds)
        .map(|_| contenders::ALL.map(|(_, send)| nanoseconds(send, payload, pace)))
        .collect();
    (0..contenders::ALL.len())
        .map(|contender| {
            let time = median(measured.iter().map(|round| round[contender]));
            let ratio = median(
                measured
                    .iter()
                    .map(|round| round[reference] / round[contender]),
            );
            (time, ratio)
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

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
