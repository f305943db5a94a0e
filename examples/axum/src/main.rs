//! Serves the example: `cargo run --release -p example-axum`.

mod args;
mod shutdown;

use std::{
    future::IntoFuture as _,
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
    time::Duration,
};

use axum::serve::ListenerExt as _;
use clap::Parser as _;
use example_axum::{app, metrics};
use futures_util::TryFutureExt as _;
use sse_layer::{Drain, Event, serve::cut_stalled};
use tokio::net::{TcpListener, TcpStream};
use tracing_subscriber::EnvFilter;

use self::args::{Args, Server};

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let filter = EnvFilter::try_from_default_env();
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| "info,sse_layer=debug".into()))
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .compact()
        .init();
    match run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> io::Result<()> {
    let listener = TcpListener::bind(&args.addr).await.map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("can't listen on {}: {error}", args.addr),
        )
    })?;
    let bound = listener.local_addr()?;

    let drain = Drain::new()
        .window(Duration::from_secs(1))
        .deadline(Duration::from_secs(10))
        .farewell(Event::text("the server is shutting down").event("bye"));
    let metrics = metrics::install().map_err(io::Error::other)?;
    let config = args.config(bound, drain.clone());
    let hub = config.hub().connect(&args.hub).await;
    // Without the address, in which there may be a password.
    let hub = hub.map_err(|error| io::Error::other(format!("can't connect the hub: {error}")))?;
    let app = app(config, hub).await.merge(metrics::routes(metrics));
    let signal = shutdown::signal()?;

    // Not println!, which panics where nobody reads it.
    if let Err(error) = writeln!(io::stdout(), "listening on http://{bound}") {
        tracing::warn!(%error, "stdout; listening on http://{bound}");
    }

    let signalled = drain.begin_after(signal);
    match args.server {
        Server::Serve => {
            tokio::spawn(signalled);
            let server = sse_layer::serve(listener, app).drain(drain.clone());
            let server = server.into_future().map_err(io::Error::other);
            shutdown::serve(server, &drain).await
        }
        Server::Axum => {
            let server = axum::serve(listener.tap_io(tune), app.into_make_service());
            shutdown::serve(server.with_graceful_shutdown(signalled), &drain).await
        }
    }
}

/// What axum leaves to those who stream: an event is small and should leave at once, and whoever
/// doesn't read should be cut off.
fn tune(tcp: &mut TcpStream) {
    let tuned = tcp
        .set_nodelay(true)
        .and_then(|()| cut_stalled(tcp, Duration::from_secs(30)));
    if let Err(error) = tuned {
        tracing::debug!(%error, "a socket can't be tuned");
    }
}
