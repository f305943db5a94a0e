#![doc = include_str!("../README.md")]

mod assignment;
mod body;
pub mod chaos;
mod client;
mod clients;
mod clock;
#[cfg(feature = "contract")]
pub mod contract;
mod decode;
mod expect;
mod failure;
mod frame;
pub mod grpc_web;
pub mod json;
#[cfg(feature = "mock")]
pub mod mock;
pub mod parser;
mod reconnecting;
mod record;
mod recorder;
pub mod recording;
mod stream;
mod transcript;
mod watch;

pub use self::body::Body;
#[cfg(feature = "socket")]
pub use self::client::connect;
pub use self::client::{RequestBuilder, get, request};
pub use self::clients::{Clients, all};
pub use self::expect::head::IntoStatus;
pub use self::expect::{ExpectEvent, pattern};
pub use self::frame::Frame;
pub use self::parser::Event;
pub use self::reconnecting::{Cut, Ledger, Reconnecting, reconnecting};
pub use self::record::Chunk;
pub use self::stream::{EventStream, Reconnect};
pub use self::transcript::{Redactions, Transcript};
pub use self::watch::{Seen, Sighting, Watch};
