//! A server on which an open stream takes little more than the stream itself.
//!
//! hyper keeps the buffers that it reads and writes a connection with for as long as it owns the
//! connection: 17 KB under `axum::serve`. [`serve`] lets hyper do all that is HTTP, and when the
//! head of an event stream's response is on the wire, takes the connection over from it. What is
//! left is the socket, the stream, and nothing to write from while there is nothing to write. When
//! the stream ends, the connection goes back to hyper, with all that the client has sent meanwhile.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use axum::{Router, routing::get};
//! use futures_util::stream;
//! use sse_layer::{Drain, Event, Sse, SseLayer};
//! use tokio::net::TcpListener;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let drain = Drain::new();
//! let app: Router = Router::new()
//!     .route("/silence", get(async || Sse::new(stream::pending::<Event>())))
//!     .layer(SseLayer::new().drain(drain.clone()));
//!
//! tokio::spawn(drain.begin_after(tokio::signal::ctrl_c()));
//! let listener = TcpListener::bind("127.0.0.1:3000").await?;
//! sse_layer::serve(listener, app).drain(drain).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is taken over
//!
//! A response to a request of HTTP/1.1, other than HEAD and CONNECT, that had no body, or one of a
//! known length that was read to its end: with status 200, content type `text/event-stream`, no length, no encoding of
//! the transfer, no trailers and no upgrade. Whoever wrote it: [`Sse`](crate::Sse), axum's own
//! `Sse`, a proxied body. Everything else stays with hyper as it is: pages, uploads, WebSockets,
//! HTTP/1.0, and HTTP/2, whose streams share a connection.
//!
//! The bytes are those that hyper would write, but for the borders of chunks; and a client that closes
//! its side ends its stream at once, also with further requests under way; behind more than 8 KiB of
//! them, at the next write. Until a stream begins,
//! and again when it has ended, the connection is hyper's: its keep-alive, its pipelining, its errors.
//!
//! # Clients that don't read
//!
//! hyper asks a body for nothing while its connection can't be written, so nothing in a body can end
//! it. A stream that was taken over is cut off when its client has not taken what was written within
//! [`write_timeout`](Serve::write_timeout). For those who stay with `axum::serve` or hyper there is
//! [`cut_stalled`].
//!
//! # Memory after a burst
//!
//! Each request passes through hyper, with its buffers, before its stream is taken over. When
//! thousands of requests wait for slow handlers at once, as when all clients come back after a
//! restart, that is freed afterwards, but the allocator keeps it: with glibc's 11 KiB a connection
//! stayed after 8,000 requests at once whose handlers took 1.5 s. What helps is an allocator that
//! gives pages back by itself. jemalloc with its background thread was down to 1.6 KiB seconds
//! later, as a library of the program's (the crate `tikv-jemallocator`) or without a change to it:
//!
//! ```sh
//! LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2 \
//!     MALLOC_CONF=background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0 my-server
//! ```
//!
//! Where it has to be glibc's, `MALLOC_MMAP_THRESHOLD_=8192` in the environment left 4.6 KiB, for
//! system calls at each connection. `benches` measures it: `idle --at-once 8000 --answer-after-ms 1500`.
//!
//! # Heartbeats
//!
//! Each stream has a timer of tokio's, armed for its next heartbeat, and gone with it. Ten thousand
//! that are due at once are spread over the threads of the runtime, and an event waits for no more
//! than what is in front of it, a heartbeat of each other stream at most;
//! [`KeepAlive::jitter`](crate::KeepAlive::jitter) spreads them in time. A list that all streams share
//! would save 0.2 µs of the 0.9 that a heartbeat takes before it is written (`cargo bench -p sse-benches
//! --bench heartbeat`), and of some 14 with that; and 90 bytes of a stream's 985. It would round all
//! times to its tick.

mod accept;
mod connection;
mod drive;
mod eligible;
mod handoff;
mod http1;
mod http2;
mod incoming;
mod listener;
mod registry;
mod rewind;
mod served;
mod server;
mod settings;
mod sniff;
mod stalled;
mod writer;

pub use self::{
    incoming::Incoming,
    listener::{Handshake, Listener, PeerAddr, Plain},
    served::Served,
    server::{CutOff, Serve, serve},
    stalled::cut_stalled,
};
