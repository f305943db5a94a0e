//! Graceful shutdown with a hundred open streams: it hangs without a drain, and ends inside the
//! window with one.

use std::{convert::Infallible, time::Duration};

use axum::{Router, routing::get};
use futures_util::{future::join_all, stream};
use http::Request;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use sse_layer::{Drain, Event, Sse, SseLayer};
use sse_testkit::{EventStream, connect};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::Instant};
use tower::{Layer, service_fn};

use super::{BOUND, eventually, in_time, listener};

const STREAMS: usize = 100;
const WINDOW: Duration = Duration::from_millis(500);
const LATE: Duration = Duration::from_secs(5);

async fn endless() -> Sse<stream::Pending<Event>> {
    Sse::new(stream::pending())
}

fn layer(drain: Option<&Drain>) -> SseLayer {
    match drain {
        // Nothing but the drain may wake a stream.
        Some(drain) => SseLayer::new().no_keep_alive().drain(drain.clone()),
        None => SseLayer::new().no_keep_alive(),
    }
}

/// Answers when the server is done; its graceful shutdown begins with the signal.
type Server = fn(TcpListener, oneshot::Receiver<()>, Option<Drain>) -> JoinHandle<()>;

fn on_axum(
    listener: TcpListener,
    stop: oneshot::Receiver<()>,
    drain: Option<Drain>,
) -> JoinHandle<()> {
    let app = Router::new()
        .route("/", get(endless))
        .layer(layer(drain.as_ref()));
    let signal = async move {
        stop.await.unwrap();
        drain.inspect(Drain::begin);
    };
    tokio::spawn(async {
        axum::serve(listener, app)
            .with_graceful_shutdown(signal)
            .await
            .unwrap();
    })
}

async fn answer(_: Request<Incoming>) -> Result<Sse<stream::Pending<Event>>, Infallible> {
    Ok(endless().await)
}

fn on_hyper(
    listener: TcpListener,
    mut stop: oneshot::Receiver<()>,
    drain: Option<Drain>,
) -> JoinHandle<()> {
    let service = layer(drain.as_ref()).layer(service_fn(answer));
    tokio::spawn(async move {
        let graceful = GracefulShutdown::new();
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => accepted.unwrap().0,
                stopped = &mut stop => break stopped.unwrap(),
            };
            let service = TowerToHyperService::new(service.clone());
            let builder = auto::Builder::new(TokioExecutor::new());
            let connection = builder
                .serve_connection(TokioIo::new(stream), service)
                .into_owned();
            let connection = graceful.watch(connection);
            tokio::spawn(async move { connection.await.unwrap() });
        }
        drain.inspect(Drain::begin);
        graceful.shutdown().await;
    })
}

async fn open_streams(url: &str) -> Vec<EventStream> {
    let streams = join_all((0..STREAMS).map(async |_| {
        let mut sse = connect(url).timeout(BOUND).await;
        sse.expect_opening().await;
        sse
    }));
    in_time("a hundred streams", streams).await
}

async fn hangs_without_a_drain(server: Server) {
    let (listener, addr) = listener().await;
    let (stop, stopped) = oneshot::channel();
    let mut server = server(listener, stopped, None);
    let streams = open_streams(&format!("http://{addr}")).await;
    stop.send(()).unwrap();
    let hung = tokio::time::timeout(2 * WINDOW, &mut server).await;
    assert!(hung.is_err(), "the server ended although streams were open");
    drop(streams);
    in_time("the end of the server", server).await.unwrap();
}

async fn ends_inside_the_window_with_a_drain(server: Server) {
    let (listener, addr) = listener().await;
    let (stop, stopped) = oneshot::channel();
    let drain = Drain::new()
        .window(WINDOW)
        .farewell(Event::text("bye").event("bye"));
    let server = server(listener, stopped, Some(drain.clone()));
    let mut streams = open_streams(&format!("http://{addr}")).await;
    eventually("all streams open", || drain.open() == STREAMS).await;
    let begun = Instant::now();
    stop.send(()).unwrap();
    join_all(streams.iter_mut().map(async |sse| {
        sse.expect_event("bye").text("bye").await;
        sse.expect_end().await;
    }))
    .await;
    assert_eq!(in_time("the drain", drain.finished()).await, Ok(()));
    in_time("the end of the server", server).await.unwrap();
    // Without the drain it would never end. A busy machine may be late.
    assert!(begun.elapsed() < WINDOW + LATE, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn axums_shutdown_hangs_without_a_drain() {
    hangs_without_a_drain(on_axum).await;
}

#[tokio::test]
async fn axums_shutdown_ends_inside_the_window_with_a_drain() {
    ends_inside_the_window_with_a_drain(on_axum).await;
}

#[tokio::test]
async fn hypers_shutdown_hangs_without_a_drain() {
    hangs_without_a_drain(on_hyper).await;
}

#[tokio::test]
async fn hypers_shutdown_ends_inside_the_window_with_a_drain() {
    ends_inside_the_window_with_a_drain(on_hyper).await;
}
