use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{runtime::Runtime, sync::Notify, task::JoinSet};

use crate::median;

/// Subscribers, each a task of its own, and whoever publishes to them.
pub struct Audience {
    publish: Box<dyn Fn() + Send + Sync>,
    seats: JoinSet<()>,
    arrivals: Arc<Arrivals>,
}

/// How fast it went.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Events that a subscriber took, each counted once a subscriber, in a second.
    pub deliveries_per_second: f64,
    /// How long the call took that publishes an event: the median, in nanoseconds.
    pub publish_nanoseconds: f64,
}

/// What subscribers are still to take.
#[derive(Debug, Default)]
struct Arrivals {
    /// How many events are published at once.
    burst: AtomicUsize,
    /// How many subscribers have not taken all of those.
    missing: AtomicUsize,
    are_complete: Notify,
}

/// One subscriber's count of what it took.
#[derive(Debug)]
pub(super) struct Taken {
    count: usize,
    arrivals: Arc<Arrivals>,
}

impl Audience {
    /// One without subscribers.
    pub(super) fn new(publish: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            publish: Box::new(publish),
            seats: JoinSet::new(),
            arrivals: Arc::default(),
        }
    }

    /// Another subscriber, which counts what it takes.
    pub(super) fn seat<F>(&mut self, subscriber: impl FnOnce(Taken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let arrivals = Arc::clone(&self.arrivals);
        self.seats.spawn(subscriber(Taken { count: 0, arrivals }));
    }

    /// Publishes so many events at once, and so often; each time when all subscribers have taken
    /// what was published before. A task of the runtime does it, as in a server.
    ///
    /// # Panics
    ///
    /// If the task does.
    pub fn measure(self: &Arc<Self>, runtime: &Runtime, burst: usize, bursts: usize) -> Measured {
        let audience = Arc::clone(self);
        let publisher = runtime.spawn(async move { audience.publish(burst, bursts).await });
        runtime.block_on(publisher).expect("a publisher")
    }

    async fn publish(&self, burst: usize, bursts: usize) -> Measured {
        let mut calls = Vec::with_capacity(burst * bursts);
        let mut took = Duration::ZERO;
        self.arrivals.burst.store(burst, Ordering::Relaxed);
        for _ in 0..bursts {
            let subscribers = self.seats.len();
            self.arrivals.missing.store(subscribers, Ordering::Release);
            let begin = Instant::now();
            for _ in 0..burst {
                let call = Instant::now();
                (self.publish)();
                calls.push(call.elapsed());
            }
            self.arrivals.are_complete.notified().await;
            took += begin.elapsed();
        }
        let deliveries = self.seats.len() * burst * bursts;
        Measured {
            deliveries_per_second: deliveries as f64 / took.as_secs_f64(),
            publish_nanoseconds: median(
                calls.iter().map(Duration::as_nanos).map(|call| call as f64),
            ),
        }
    }
}

impl Taken {
    /// Takes note of more events.
    #[inline]
    pub(super) fn add(&mut self, events: usize) {
        self.count += events;
        let burst = self.arrivals.burst.load(Ordering::Relaxed);
        assert!(self.count <= burst, "more than was published");
        if self.count == burst {
            self.count = 0;
            if self.arrivals.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
                self.arrivals.are_complete.notify_one();
            }
        }
    }
}

impl fmt::Debug for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audience")
            .field("seats", &self.seats.len())
            .field("arrivals", &self.arrivals)
            .finish_non_exhaustive()
    }
}
