//! The load client: thousands of event streams on one thread, and a judge of each of them.
//!
//! It shares a machine with the server that it measures, so it has to cost little: sockets on one
//! `epoll`, some tens of bytes of state a connection, one buffer for all. It takes responses apart by
//! itself, since a client library would keep buffers for each, and hide the comments that are the
//! heartbeats.
//!
//! [`Target`] names what is asked for, [`Client`] opens the streams and reads them, [`Watcher`] is told
//! what each of them brings. [`Publisher`] posts events on a connection of its own, [`h2`] is the same
//! load over HTTP/2.

mod client;
mod events;
mod fault;
pub mod h2;
mod limits;
mod message;
mod publisher;
mod sources;
mod target;

pub use self::{
    client::{Client, Opening, Watcher},
    events::{Events, Note, Sign},
    fault::Fault,
    limits::{ensure_files, most_connections},
    message::{Head, Message, Part},
    publisher::{Publication, Publisher},
    sources::Sources,
    target::Target,
};
