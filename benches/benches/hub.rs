//! The hub by criterion, for changes of our own: publishing to many, and resuming.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sse_benches::{
    broadcast,
    resume::{MISSED, Missed, Read},
};
use tokio::runtime::{Builder, Runtime};

fn publish(criterion: &mut Criterion) {
    let runtime = runtime();
    let _entered = runtime.enter();
    for subscribers in [1, 100, 10_000] {
        for burst in [1, 64] {
            let mut group = criterion.benchmark_group(format!("publish-{burst}/{subscribers}"));
            group.throughput(Throughput::Elements((subscribers * burst) as u64));
            for (name, gather) in broadcast::ALL {
                let audience = gather(subscribers);
                group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                    bencher.iter_custom(|times| {
                        let begin = Instant::now();
                        audience.measure(&runtime, burst, times as usize);
                        begin.elapsed()
                    });
                });
            }
            group.finish();
        }
    }
}

fn resume(criterion: &mut Criterion) {
    let runtime = runtime();
    let _entered = runtime.enter();
    let mut group = criterion.benchmark_group("resume");
    group.throughput(Throughput::Elements(MISSED as u64));
    for topics in [1, 3] {
        let ways: [(&str, Read); 2] = [("frames", Missed::as_frames), ("body", Missed::as_body)];
        let missed = Missed::of(topics);
        for (name, read) in ways {
            group.bench_function(BenchmarkId::new(name, topics), |bencher| {
                bencher.iter_with_large_drop(|| read(&missed));
            });
        }
    }
    group.finish();
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = publish, resume
}
criterion_main!(benches);
