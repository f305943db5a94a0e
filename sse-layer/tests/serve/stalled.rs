//! Clients that stop reading.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, routing::get, serve::ListenerExt as _};
use futures_util::{Stream, StreamExt, future::join_all, stream};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sse_layer::{ConnectionLimit, Event, Sse, SseLayer, serve::cut_stalled};
use sse_testkit::{EventStream, connect};
use tokio::{
    net::TcpSocket,
    sync::watch,
    time::{Instant, interval},
};

use super::{
    Alive, BOUND, eventually, in_time, listener, log::Log, raw::Raw, silence, start, with,
};

const STALLED: usize = 1000;
const HEALTHY: usize = 100;

fn large() -> Event {
    Event::text("x".repeat(4096))
}

/// As many events as anybody takes.
fn flood() -> impl Stream<Item = Event> + Send {
    stream::repeat_with(large)
}

fn numbered(every: Duration) -> impl Stream<Item = u64> + Send {
    let ticks = interval(every);
    stream::unfold((ticks, 0), async |(mut ticks, n)| {
        ticks.tick().await;
        Some((n, (ticks, n + 1)))
    })
}

fn app(limit: &ConnectionLimit, alive: &Alive) -> Router {
    let (flooded, trickled, silent) = (alive.clone(), alive.clone(), alive.clone());
    let ticks = || numbered(Duration::from_millis(20)).map(|n| Event::text("tick").with_id(n));
    // Each event finds the stream asked for the next one, and nothing there: so it is not asked when
    // it is cut either.
    let trickle = || numbered(Duration::from_millis(1)).map(|_| large());
    // Too large for all buffers between here and there, and nothing behind it.
    let lump = || stream::iter([Event::text("x".repeat(8 << 20))]).chain(stream::pending());
    Router::new()
        .route("/ticks", get(async move || Sse::new(ticks())))
        .route(
            "/flood",
            get(async move || Sse::new(with(flooded.one(), flood()))),
        )
        .route(
            "/trickle",
            get(async move || Sse::new(with(trickled.one(), trickle()))),
        )
        .route("/lump", get(async move || Sse::new(lump())))
        .route("/silence", get(async move || Sse::new(silence(&silent))))
        .layer(SseLayer::new().no_keep_alive().limit(limit.clone()))
}

/// A client that asks, with a small buffer, and never reads.
async fn stalled(addr: SocketAddr, path: &str) -> Raw {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut client = Raw(in_time("a connection", socket.connect(addr)).await.unwrap());
    client.get(path).await;
    client
}

/// Reads numbered events until it is told to stop, none of which may be missing.
async fn read_all(mut sse: EventStream, mut stop: watch::Receiver<bool>) -> u64 {
    for n in 0.. {
        if *stop.borrow_and_update() {
            return n;
        }
        sse.expect_message().text("tick").id(n.to_string()).await;
    }
    0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_that_stop_reading_are_cut_and_a_hundred_others_lose_nothing() {
    let files = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: files.maximum,
        ..files
    };
    setrlimit(Resource::Nofile, most).unwrap();

    let (limit, alive) = (ConnectionLimit::unlimited(), Alive::default());
    let timeout = Duration::from_millis(300);
    let (addr, _server) = start(app(&limit, &alive), |server| server.write_timeout(timeout)).await;
    let healthy = join_all(
        (0..HEALTHY).map(async |_| connect(format!("http://{addr}/ticks")).timeout(BOUND).await),
    )
    .await;
    // Not reading is nothing bad where there is nothing to read.
    let mut idle = Raw::connect(addr).await;
    idle.open("/silence").await;
    let (stop, stopped) = watch::channel(false);
    let healthy: Vec<_> = healthy
        .into_iter()
        .map(|sse| tokio::spawn(read_all(sse, stopped.clone())))
        .collect();

    let begun = Instant::now();
    let mut clients = Vec::new();
    for n in 0..STALLED {
        let path = ["/flood", "/trickle"][n % 2];
        clients.push(stalled(addr, path).await);
    }
    eventually("all that stalled gone", || {
        alive.opened() == STALLED + 1 && limit.current() == HEALTHY + 1
    })
    .await;
    assert!(begun.elapsed() >= timeout);
    stop.send(true).unwrap();
    for healthy in healthy {
        let read = in_time("a reader", healthy).await.unwrap();
        assert!(read > 5, "{read} events");
    }
    assert_eq!(alive.count(), 1);
    // Few of them, since so small a buffer takes its time.
    for client in clients.iter_mut().step_by(99) {
        let rest = client.remains().await;
        assert!(rest.contains("data: xxx"), "{rest}");
        assert!(
            !rest.contains("\r\n0\r\n\r\n"),
            "no end that looks like a good one"
        );
    }
}

#[tokio::test]
async fn a_stream_whose_reader_stalled_is_told_as_stalled_and_no_other() {
    let log = Log::listen();
    let (limit, alive) = (ConnectionLimit::unlimited(), Alive::default());
    let (addr, _server) = start(app(&limit, &alive), |server| {
        server.write_timeout(Duration::from_millis(300))
    })
    .await;
    let closed = "an event stream was closed";
    for (n, path) in ["/flood", "/trickle", "/lump"].into_iter().enumerate() {
        let _stalled = stalled(addr, path).await;
        eventually("it is closed", || log.with(closed).len() == n + 1).await;
        let told = log.with(closed).pop().unwrap();
        assert!(told.contains("reason=\"stalled\""), "{path}: {told}");
    }
    let mut gone = Raw::connect(addr).await;
    gone.open("/silence").await;
    drop(gone);
    eventually("it is closed", || log.with(closed).len() == 4).await;
    let told = log.with(closed).pop().unwrap();
    assert!(told.contains("reason=\"client_gone\""), "{told}");
}

#[tokio::test]
async fn a_slow_reader_that_takes_what_it_is_sent_in_time_stays() {
    let (limit, alive) = (ConnectionLimit::unlimited(), Alive::default());
    let (addr, _server) = start(app(&limit, &alive), |server| {
        server.write_timeout(Duration::from_millis(500))
    })
    .await;
    let slow = stalled(addr, "/flood").await;
    let begun = Instant::now();
    let mut pauses = interval(Duration::from_millis(10));
    while begun.elapsed() < Duration::from_millis(1500) {
        pauses.tick().await;
        let mut read = 0;
        while read < 32 * 1024 {
            in_time("something to read", slow.0.readable())
                .await
                .unwrap();
            let mut room = [0; 4096];
            match slow.0.try_read(&mut room) {
                Ok(0) => panic!("cut off"),
                Ok(some) => read += some,
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
            }
        }
    }
    assert_eq!(limit.current(), 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn under_axum_the_kernel_cuts_those_that_stall() {
    let log = Log::listen();
    let (limit, alive) = (ConnectionLimit::unlimited(), Alive::default());
    let (listener, addr) = listener().await;
    let app = app(&limit, &alive);
    let listener = listener.tap_io(|tcp| cut_stalled(tcp, Duration::from_millis(1000)).unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let mut idle = Raw::connect(addr).await;
    idle.open("/silence").await;
    let _stalled = join_all((0..20).map(|_| stalled(addr, "/flood"))).await;
    eventually("all asked", || limit.peak() == 21).await;
    eventually("all that stalled gone", || limit.current() == 1).await;
    let closed = log.with("an event stream was closed");
    assert_eq!(closed.len(), 20);
    assert!(
        closed
            .iter()
            .all(|line| line.contains("reason=\"stalled\"")),
        "{closed:?}"
    );
}
