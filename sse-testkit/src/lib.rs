#![doc = include_str!("../README.md")]

mod body;
mod client;
mod clock;
#[cfg(feature = "contract")]
pub mod contract;
mod decode;
mod expect;
mod frame;
pub mod grpc_web;
#[cfg(feature = "mock")]
pub mod mock;
pub mod parser;
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
pub use self::expect::ExpectEvent;
pub use self::expect::head::IntoStatus;
pub use self::frame::Frame;
pub use self::parser::Event;
pub use self::record::Chunk;
pub use self::stream::{EventStream, Reconnect};
pub use self::transcript::Transcript;
pub use self::watch::{Seen, Sighting, Watch};
