//! One of several nodes on an engine: a hub behind sse-layer's own server.

use std::{env, io, process, time::Duration};

use ::axum::{
    Router,
    extract::{Query, State},
    routing::get,
};
use ::sse_layer::{
    ConnectionLimit, Drain, Hub, LastEventId, Sse, SseLayer,
    hub::{History, Subscription},
};
use clap::Parser;
use http::StatusCode;
use serde::Deserialize;

use super::{ending::Ending, files, listener};

/// More streams than any run opens.
const MAX_CONNECTIONS: usize = 1_000_000;

/// A node, and nothing else.
#[derive(Debug, Parser)]
struct Args {
    /// The engine's address.
    hub: String,
    /// How many events of each topic are kept.
    #[arg(long)]
    history: usize,
}

#[derive(Debug, Deserialize)]
struct Topic {
    topic: String,
}

/// If the program's first argument is `--node`, it is a node and nothing else: this serves and does
/// not return.
///
/// `--node URL --history N`. `GET /live?topic=T` is the topic's stream, of all that comes or after the
/// `Last-Event-ID`. It tells where it listens, and ends, as [`serve_if_asked`](super::serve_if_asked) does.
pub fn serve_node_if_asked() {
    let mut arguments = env::args_os();
    let program = arguments.next();
    if arguments.next().is_none_or(|first| first != "--node") {
        return;
    }
    let args = Args::parse_from(program.into_iter().chain(arguments));
    process::exit(match run(&args) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("error: {error}");
            1
        }
    })
}

/// How much a hub keeps whose events are to be read again: so many of each topic, and no bound on bytes
/// that would take them before.
pub(crate) fn history(events: usize) -> History {
    History::new()
        .events(events)
        .bytes(256 * 1024 * 1024)
        .age(Duration::from_secs(10 * 60))
}

fn run(args: &Args) -> io::Result<()> {
    files::allow_many();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(serve(args))
}

async fn serve(args: &Args) -> io::Result<()> {
    let ended = Ending::SignalOrClosedInput.listen()?;
    let hub = Hub::builder().history(history(args.history));
    let hub = hub.connect(&args.hub).await.map_err(io::Error::other)?;
    let drain = Drain::new().window(Duration::ZERO).deadline(Duration::ZERO);
    let app = Router::new()
        .route("/live", get(live))
        .layer(
            SseLayer::new()
                .limit(ConnectionLimit::new(MAX_CONNECTIONS))
                .drain(drain.clone()),
        )
        .with_state(hub);
    let socket = listener::bind(([127, 0, 0, 1], 0).into(), false)?;
    listener::announce(socket.local_addr()?)?;
    let server = ::sse_layer::serve(tokio::net::TcpListener::from_std(socket)?, app).drain(drain);
    tokio::select! {
        served = server.into_future() => served.map_err(io::Error::other),
        () = ended => Ok(()),
    }
}

async fn live(
    State(hub): State<Hub>,
    Query(Topic { topic }): Query<Topic>,
    last: LastEventId,
) -> Result<Sse<Subscription>, StatusCode> {
    let subscription = hub.subscribe(&topic);
    let subscription = subscription.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(Sse::new(subscription.after(last)))
}
