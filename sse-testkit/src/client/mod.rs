//! Sending requests: to a service in this process, or over a socket.

mod in_process;
mod request;
#[cfg(feature = "socket")]
mod socket;
mod transport;

pub(crate) use self::in_process::InProcess;
pub use self::in_process::{get, request};
pub use self::request::RequestBuilder;
pub(crate) use self::request::Template;
#[cfg(feature = "socket")]
pub(crate) use self::socket::Socket;
#[cfg(feature = "socket")]
pub use self::socket::connect;
#[cfg(feature = "contract")]
pub(crate) use self::socket::{Unreachable, dial};
pub(crate) use self::transport::{
    BoxError, ResetOnClose, ResponseBody, Sending, Transport, describe,
};
