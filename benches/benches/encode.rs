//! Nanoseconds an event, from the handler's stream through the response's body.

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sse_benches::{Pace, Payload, contenders};
use tokio::runtime::Builder;

/// Enough for the head and the last chunk not to count.
const EVENTS: usize = 1000;

fn encode(criterion: &mut Criterion) {
    // Keep-alive timers want a clock; nothing here waits for one.
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let _entered = runtime.enter();
    for (pace, title) in [(Pace::Ready, "ready"), (Pace::OneByOne, "one-by-one")] {
        for payload in Payload::ALL {
            let mut group = criterion.benchmark_group(format!("{title}/{}", payload.name()));
            group.throughput(Throughput::Elements(EVENTS as u64));
            for (name, send) in contenders::ALL {
                group.bench_with_input(
                    BenchmarkId::from_parameter(name),
                    &payload,
                    |bencher, &payload| {
                        bencher.iter(|| {
                            send(black_box(payload), EVENTS, pace, &mut |chunk| {
                                black_box(chunk);
                            });
                        });
                    },
                );
            }
            group.finish();
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    targets = encode
}
criterion_main!(benches);
