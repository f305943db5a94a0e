//! The accept loop.

use std::{io, time::Duration};

use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
    service::TowerToHyperService,
};
use sse_layer::Drain;
use tokio::{
    net::{TcpListener, TcpStream},
    pin, select,
    time::sleep,
};

use crate::App;

/// What connections without a stream are given to finish, once the streams are gone.
const LAST_REQUESTS: Duration = Duration::from_secs(2);

/// What to wait when no more sockets are to be had.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(200);

/// Serves HTTP/1.1 and HTTP/2 on one port, until the signal; then ends what is open.
///
/// Done within the drain's deadline and some seconds, whatever the clients do.
pub async fn serve<F>(listener: TcpListener, app: App, drain: &Drain, signal: F)
where
    F: Future<Output = ()>,
{
    let graceful = GracefulShutdown::new();
    pin!(signal);
    loop {
        select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(serve_connection(stream, app.clone(), graceful.watcher()));
                }
                Err(error) => pause(error).await,
            },
            () = &mut signal => break,
        }
    }
    // Nobody else gets in, and nobody is told to go before the streams are.
    drop(listener);
    drain.begin();
    let streams = async {
        match drain.finished().await {
            Ok(()) => tracing::info!("all streams have ended"),
            Err(left) => tracing::warn!("{left}"),
        }
        sleep(LAST_REQUESTS).await;
    };
    let connections = graceful.shutdown();
    select! {
        () = connections => {}
        () = streams => tracing::warn!("connections were left open"),
    }
}

/// A connection's whole life. A named function, since a closure around hyper's boxed errors has
/// the compiler ask for a more general lifetime than there is.
async fn serve_connection(stream: TcpStream, app: App, watcher: Watcher) {
    // An event is small and should leave at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(Duration::from_secs(20)));
    let service = TowerToHyperService::new(app.service::<Incoming>());
    let connection = builder
        .serve_connection(TokioIo::new(stream), service)
        .into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection broke");
    }
}

/// A client that has gone before it was accepted is its own matter; being out of sockets passes
/// when others leave.
async fn pause(error: io::Error) {
    if !matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    ) {
        tracing::error!(%error, "can't accept a connection");
        sleep(OUT_OF_SOCKETS).await;
    }
}
