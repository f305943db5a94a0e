//! Ten thousand heartbeats that are due at once: a timer for each stream, as streams have it, and
//! what a list that all of them share would save. Time is paused, so that nothing else is in it.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    hint::black_box,
    pin::pin,
    rc::Rc,
    task::{Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::stream;
use http_body::Body;
use http_body_util::BodyExt as _;
use sse_benches::body_of;
use sse_layer::Event;
use tokio::{
    runtime::{Builder, Runtime},
    task::{LocalSet, spawn_local, yield_now},
    time::{sleep, sleep_until},
};

const STREAMS: u64 = 10_000;

/// As the layer has it by default.
const EVERY: Duration = Duration::from_secs(15);

fn heartbeats(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("10,000 heartbeats in one tick, each");
    group.throughput(Throughput::Elements(STREAMS));
    group.bench_function("body behind SseLayer", |bencher| {
        bencher.iter_custom(|rounds| {
            beaten(rounds, |beats| {
                for _ in 0..STREAMS {
                    let body = body_of(stream::pending::<Event>());
                    spawn_local(beat_body(body, Rc::clone(beats)));
                }
            })
        });
    });
    group.bench_function("a timer each", |bencher| {
        bencher.iter_custom(|rounds| {
            beaten(rounds, |beats| {
                for _ in 0..STREAMS {
                    spawn_local(beat_by_timer(Rc::clone(beats)));
                }
            })
        });
    });
    group.bench_function("a list of all", |bencher| {
        bencher.iter_custom(|rounds| {
            beaten(rounds, |beats| {
                let list = Rc::new(RefCell::new(Vec::new()));
                for _ in 0..STREAMS {
                    spawn_local(beat_by_list(Rc::clone(beats), Rc::clone(&list)));
                }
                spawn_local(wake_all(list));
            })
        });
    });
    group.finish();
}

/// How long so many rounds of heartbeats take.
fn beaten(rounds: u64, begin: impl FnOnce(&Rc<Cell<u64>>)) -> Duration {
    let beats = Rc::new(Cell::new(0));
    let tasks = LocalSet::new();
    let elapsed = tasks.block_on(&runtime(), async {
        begin(&beats);
        // Each has begun to wait, and made its first beat, in which buffers get their size.
        sleep(EVERY + EVERY / 2).await;
        let before = beats.get();
        assert_eq!(before, STREAMS);
        let begun = Instant::now();
        for _ in 0..rounds {
            sleep(EVERY).await;
        }
        let elapsed = begun.elapsed();
        assert_eq!(beats.get() - before, rounds * STREAMS);
        elapsed
    });
    drop(tasks);
    elapsed
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
}

async fn beat_body<B>(body: B, beats: Rc<Cell<u64>>)
where
    B: Body<Data = Bytes>,
{
    let mut body = pin!(body);
    // What opens the stream.
    black_box(body.frame().await.is_some());
    while black_box(body.frame().await.is_some()) {
        beats.set(beats.get() + 1);
    }
}

async fn beat_by_timer(beats: Rc<Cell<u64>>) {
    let mut timer = pin!(sleep(EVERY));
    loop {
        timer.as_mut().await;
        let next = timer.deadline() + EVERY;
        timer.as_mut().reset(next);
        beats.set(beats.get() + 1);
    }
}

async fn beat_by_list(beats: Rc<Cell<u64>>, list: Rc<RefCell<Vec<Waker>>>) {
    loop {
        let mut waits = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut waits, true) {
                return Poll::Ready(());
            }
            list.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        })
        .await;
        beats.set(beats.get() + 1);
    }
}

async fn wake_all(list: Rc<RefCell<Vec<Waker>>>) {
    // Behind those who begin.
    yield_now().await;
    let mut due = tokio::time::Instant::now();
    loop {
        due += EVERY;
        sleep_until(due).await;
        let wakers = list.take();
        list.borrow_mut().reserve(wakers.len());
        wakers.into_iter().for_each(Waker::wake);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    targets = heartbeats
}
criterion_main!(benches);
