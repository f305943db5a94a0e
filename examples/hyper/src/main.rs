//! Serves the example: `cargo run --release -p example-hyper -- -- COMMAND`.

mod args;
mod shutdown;

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
    time::Duration,
};

use clap::Parser as _;
use example_hyper::{App, serve};
use sse_layer::{Drain, Event};
use tokio::net::TcpListener;
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
        let addr = &args.addr;
        io::Error::new(error.kind(), format!("can't listen on {addr}: {error}"))
    })?;
    let bound = listener.local_addr()?;
    let signal = shutdown::signal()?;
    let drain = Drain::new()
        .window(Duration::from_secs(1))
        .deadline(Duration::from_secs(5))
        .farewell(Event::text("the server is shutting down").event("bye"));
    let (app, running) = App::start(args.into_config(drain.clone()))?;

    // Not println!, which panics where nobody reads it.
    writeln!(io::stdout(), "listening on http://{bound}")?;

    serve(listener, app, &drain, signal).await;
    running.stop().await;
    Ok(())
}
