//! What a test can say about a gRPC-Web call.

mod collect;
mod head;
mod message;
mod quiet;
mod status;

pub use self::message::ExpectMessage;
pub use self::status::ExpectStatus;
