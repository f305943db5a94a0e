//! Serves the example: `cargo run --release -p example-tonic-web`.

mod args;
mod shutdown;

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
    time::Duration,
};

use axum::serve::ListenerExt as _;
use clap::Parser as _;
use example_tonic_web::app;
use sse_layer::{Drain, Event};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use self::args::Args;

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
    // A message is small and should leave at once.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
    });

    let drain = Drain::new()
        .window(Duration::from_secs(1))
        .deadline(Duration::from_secs(5))
        .farewell(Event::text("the server is shutting down").event("bye"));
    let closing = CancellationToken::new();
    let app = app(args.config(drain.clone(), closing.clone()));
    let signal = shutdown::signal()?;

    // Not println!, which panics where nobody reads it.
    if let Err(error) = writeln!(io::stdout(), "listening on http://{bound}") {
        tracing::warn!(%error, "stdout; listening on http://{bound}");
    }

    let server = axum::serve(listener, app).with_graceful_shutdown(drain.begin_after(signal));
    shutdown::serve(server, &drain, &closing).await
}
