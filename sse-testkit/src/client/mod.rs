//! Sending requests: to a service in this process, or over a socket.

#[cfg(feature = "socket")]
mod dial;
mod in_process;
mod request;
#[cfg(feature = "socket")]
mod socket;
#[cfg(feature = "tls")]
mod tls;
mod transport;

#[cfg(feature = "socket")]
pub(crate) use self::dial::Unreachable;
#[cfg(feature = "contract")]
pub(crate) use self::dial::{dial, refusal};
pub(crate) use self::in_process::InProcess;
pub use self::in_process::{get, request};
pub use self::request::RequestBuilder;
pub(crate) use self::request::Template;
#[cfg(feature = "contract")]
pub(crate) use self::request::parse_header;
#[cfg(feature = "socket")]
pub(crate) use self::socket::Socket;
#[cfg(feature = "socket")]
pub use self::socket::connect;
#[cfg(all(feature = "contract", feature = "tls"))]
pub(crate) use self::tls::Roots;
pub(crate) use self::transport::{
    BoxError, ResetOnClose, ResponseBody, Sending, Transport, describe, is_for_good,
};
