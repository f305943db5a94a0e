//! The end: on Ctrl-C or SIGTERM, within a bounded time, whatever the clients do.

use std::{future::IntoFuture, io, pin::pin, time::Duration};

use sse_layer::Drain;
use tokio::{select, time::timeout};
use tokio_util::sync::CancellationToken;

/// What calls and requests are given to finish, once the event streams are gone.
const LAST_REQUESTS: Duration = Duration::from_secs(2);

/// Ctrl-C or SIGTERM.
///
/// Listens from this call on, so that none is missed.
#[cfg(unix)]
pub(crate) fn signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("shutting down");
    })
}

/// Ctrl-C.
#[cfg(not(unix))]
pub(crate) fn signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "can't listen for Ctrl-C");
            std::future::pending().await
        }
        tracing::info!("shutting down");
    })
}

/// Serves until the drain has begun and its event streams are gone, and the calls after them.
///
/// A graceful shutdown by itself waits for ever for a stream that does not end, and for a client
/// that does not read on.
pub(crate) async fn serve(
    server: impl IntoFuture<Output = io::Result<()>>,
    drain: &Drain,
    closing: &CancellationToken,
) -> io::Result<()> {
    let mut server = pin!(server.into_future());
    select! {
        served = &mut server => return served,
        drained = drain.finished() => match drained {
            Ok(()) => tracing::info!("all event streams have ended"),
            Err(left) => tracing::warn!("{left}"),
        },
    }
    closing.cancel();
    match timeout(LAST_REQUESTS, server).await {
        Ok(served) => served,
        Err(_) => {
            tracing::warn!("connections were left open");
            Ok(())
        }
    }
}
