//! What the harness measures: the same program over ours and over each peer.
//!
//! All have the same routes:
//!
//! | | |
//! |---|---|
//! | `GET /idle` | an event stream without events, only heartbeats; those on axum take `?after_ms=N` |
//! | `GET /tick?n=N` | `N` [ticks](Tick) as JSON, as fast as they are taken, then the end |
//! | `GET /live` | all that is published from now on |
//! | `POST /publish` | its body, as the data of one event to all of `/live` |
//! | `GET /stats` | ours only: what the layer and the hub count |
//!
//! [Nodes](serve_node_if_asked) on an engine have `/live?topic=T` and no more.
//!
//! They are in the library, so that each of the harness's programs can start itself again as any of
//! them: [`serve_if_asked`].
//!
//! What is not a peer's own is the same for all: the listening socket with its backlog and
//! `TCP_NODELAY`, as many worker threads as there are cores, the system's allocator, the heartbeat's
//! interval, the values that are sent, and the length of a broadcast's queue.
//! Each peer is written as its documentation shows it. So they differ in this:
//!
//! - **The first bytes.** Ours sends a comment at once, so that proxies see the stream open, and on
//!   `/live` also the position from which a client can resume. actix-web-lab's interval fires at once.
//!   The others send the head alone.
//! - **Heartbeats.** `:` and a blank line after silence. actix-web-lab sends `: keep-alive`, on a beat
//!   that events don't postpone. The body by hand has none on `/tick`, which is never silent.
//! - **`/tick`.** Ours and the body by hand gather events into chunks of 8 KiB; axum, warp and
//!   actix-web-lab send a chunk an event.
//! - **`/live`.** Ours is the hub: an event is written once, with an id, and kept for those who come
//!   back. The others are on tokio's broadcast, where a slow client loses events silently: by hand the
//!   bytes are written once, axum, warp and actix-web-lab take the text and write it for each client.
//! - **Protocols.** axum, warp and hyper-util's auto builder tell HTTP/2 from HTTP/1.1 by the first
//!   bytes, and keep what that takes. actix is HTTP/1.1 here.
//! - **Routers.** axum's is given to `axum::serve` by `into_make_service()`, which spares it a copy of
//!   all routes for each connection.
//! - **Buffers.** `sse-layer-serve` takes the connections of streams over from hyper, which gives its
//!   buffers back; all others on hyper have them for as long as the connection lasts.
//! - **Timeouts.** `sse-layer-serve` cuts readers off that stall, and waits 30 s for a request. actix
//!   closes a connection without a whole request within 5 s; on hyper none is set, as under
//!   `axum::serve`.
//! - **The end.** Ours drains its streams, the others break them off.

mod args;
mod ending;
mod files;
mod listener;

mod broadcast;
mod connections;
mod delay;
mod tick;

mod actix;
mod axum;
mod by_hand;
mod hyper;
mod node;
mod ours;
mod sse_layer;
mod sse_layer_axum;
mod sse_layer_serve;
mod warp;

use std::{
    env, io,
    net::{SocketAddr, TcpListener},
    num::NonZero,
    process::{self, ExitCode},
    thread::available_parallelism,
    time::Duration,
};

use ::sse_layer::Drain;
use clap::Parser as _;
use futures_util::future::LocalBoxFuture;

pub(crate) use self::node::history;
use self::{args::Args, ending::Ending};
pub use self::{node::serve_node_if_asked, tick::Tick};

/// All servers, each with a line of what it is.
pub const NAMES: [(&str, &str); SERVERS.len()] = {
    let mut names = [("", ""); SERVERS.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = (SERVERS[i].name, SERVERS[i].about);
        i += 1;
    }
    names
};

/// If the program's first argument is `--serve`, it is one of the servers and nothing else: this
/// serves and does not return.
///
/// `--serve NAME --port N --heartbeat-secs S [--shared-port]`. Port 0 takes a free one; the line
/// `listening on http://127.0.0.1:PORT` on the standard output tells which. It ends by SIGTERM,
/// and when its standard input is closed, so that it does not outlive a harness that crashes.
pub fn serve_if_asked() {
    let mut arguments = env::args_os();
    let program = arguments.next();
    if arguments.next().is_none_or(|first| first != "--serve") {
        return;
    }
    let args = Args::parse_from(program.into_iter().chain(arguments));
    // An exit code can't be turned into what `exit` takes.
    process::exit(match serve(&args, Ending::SignalOrClosedInput) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("error: {error}");
            1
        }
    })
}

/// The program `serve`: a server for a person, who ends it by Ctrl-C.
pub fn serve_as_told() -> ExitCode {
    match serve(&Args::parse(), Ending::Signal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Server {
    name: &'static str,
    about: &'static str,
    runtime: Runtime,
    run: fn(TcpListener, Settings) -> Serving,
}

/// Never done, unless it fails.
type Serving = LocalBoxFuture<'static, io::Result<()>>;

#[derive(Clone, Copy)]
enum Runtime {
    /// One, with a pool of threads.
    Tokio,
    /// One a worker, as actix makes them.
    Actix,
}

/// What a server is set to.
#[derive(Clone)]
struct Settings {
    heartbeat: Duration,
    workers: usize,
    /// Ends the streams of those that know how to.
    drain: Drain,
}

const SERVERS: [Server; 10] = [
    Server {
        name: "sse-layer",
        about: "sse-layer on plain hyper, HTTP/1.1",
        runtime: Runtime::Tokio,
        run: |listener, settings| Box::pin(sse_layer::http1(listener, settings)),
    },
    Server {
        name: "sse-layer-axum",
        about: "sse-layer around an axum Router, under axum::serve",
        runtime: Runtime::Tokio,
        run: |listener, settings| Box::pin(sse_layer_axum::serve(listener, settings)),
    },
    Server {
        name: "sse-layer-serve",
        about: "the same Router under sse_layer::serve",
        runtime: Runtime::Tokio,
        run: |listener, settings| Box::pin(sse_layer_serve::serve(listener, settings)),
    },
    Server {
        name: "sse-layer-h2",
        about: "sse-layer on plain hyper, HTTP/2 with prior knowledge",
        runtime: Runtime::Tokio,
        run: |listener, settings| Box::pin(sse_layer::http2(listener, settings)),
    },
    Server {
        name: "axum",
        about: "axum's own Sse with KeepAlive, under axum::serve; HTTP/1.1 and HTTP/2",
        runtime: Runtime::Tokio,
        run: |listener, settings| Box::pin(axum::serve(listener, settings)),
    },
    Server {
        name: "actix",
        about: "actix-web with actix-web-lab's sse",
        runtime: Runtime::Actix,
        run: |listener, settings| Box::pin(actix::serve(listener, settings)),
    },
    Server {
        name: "warp",
        about: "warp with its own sse",
        runtime: Runtime::Tokio,
        run: |listener, settings| Box::pin(warp::serve(listener, settings)),
    },
    Server {
        name: "hyper",
        about: "plain hyper, HTTP/1.1, with a body written by hand",
        runtime: Runtime::Tokio,
        run: |listener, settings| Box::pin(hyper::http1(listener, settings)),
    },
    Server {
        name: "hyper-auto",
        about: "hyper-util's auto builder, with the same body",
        runtime: Runtime::Tokio,
        run: |listener, settings| Box::pin(hyper::auto(listener, settings)),
    },
    Server {
        name: "hyper-h2",
        about: "plain hyper, HTTP/2 with prior knowledge, with the same body",
        runtime: Runtime::Tokio,
        run: |listener, settings| Box::pin(hyper::http2(listener, settings)),
    },
];

fn serve(args: &Args, ending: Ending) -> io::Result<()> {
    let server = SERVERS
        .iter()
        .find(|server| server.name == args.server)
        .ok_or_else(|| io::Error::other(format!("there is no server {}", args.server)))?;
    files::allow_many();
    let address = SocketAddr::from(([127, 0, 0, 1], args.port));
    let listener = listener::bind(address, args.shared_port).map_err(|error| {
        io::Error::new(error.kind(), format!("can't listen on {address}: {error}"))
    })?;
    let settings = Settings {
        heartbeat: Duration::from_secs(args.heartbeat_secs.into()),
        workers: available_parallelism().map_or(1, NonZero::get),
        drain: Drain::new()
            .window(Duration::ZERO)
            .deadline(Duration::from_secs(1)),
    };
    let workers = settings.workers;
    let served = serve_until_the_end(server.run, listener, settings, ending);
    match server.runtime {
        Runtime::Tokio => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build()?
            .block_on(served),
        Runtime::Actix => actix_web::rt::System::new().block_on(served),
    }
}

async fn serve_until_the_end(
    run: fn(TcpListener, Settings) -> Serving,
    listener: TcpListener,
    settings: Settings,
    ending: Ending,
) -> io::Result<()> {
    let ended = ending.listen()?;
    let address = listener.local_addr()?;
    let drain = settings.drain.clone();
    let mut serving = run(listener, settings);
    // Connections that come before the first is accepted wait in the backlog.
    listener::announce(address)?;
    tokio::select! {
        served = &mut serving => return served,
        () = ended => {}
    }
    drain.begin();
    tokio::select! {
        served = serving => served,
        // What does not end in time ends with the process.
        _ = drain.finished() => Ok(()),
    }
}
