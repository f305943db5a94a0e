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
//! A response to a request of HTTP/1.1, other than HEAD and CONNECT, whose body was read to its end
//! (or that had none): with status 200, content type `text/event-stream`, no length, no encoding of
//! the transfer, no trailers and no upgrade. Whoever wrote it: [`Sse`](crate::Sse), axum's own
//! `Sse`, a proxied body. Everything else stays with hyper as it is: pages, uploads, WebSockets,
//! HTTP/1.0, and HTTP/2, whose streams share a connection.
//!
//! The bytes are those that hyper would write, but for the borders of chunks.

mod accept;
mod connection;
mod eligible;
mod handoff;
mod http1;
mod http2;
mod incoming;
mod listener;
mod registry;
mod rewind;
mod server;
mod settings;
mod sniff;
mod stalled;
mod writer;

pub use self::{
    incoming::Incoming,
    listener::{Handshake, Listener, PeerAddr},
    server::{CutOff, Serve, serve},
    stalled::cut_stalled,
};
