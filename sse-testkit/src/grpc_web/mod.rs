//! gRPC-Web: calls under test, beside the event streams.
//!
//! A service that offers the same data as an event stream and over [gRPC-Web] is asserted here in
//! the same way on both sides: in process on paused time, or over a socket, with expectations that
//! are bounded and a [transcript](GrpcWebStream::transcript) that can stand in the same snapshot.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use http::{Request, Response};
//! use sse_testkit::{Body, grpc_web};
//!
//! /// Answers with a message of two bytes, and with the trailers.
//! async fn watch(request: Request<Body>) -> Result<Response<Body>, std::io::Error> {
//!     assert_eq!(request.headers()["x-grpc-web"], "1");
//!     let body = b"\0\0\0\0\x02\x08\x05\x80\0\0\0\x10grpc-status: 0\r\n";
//!     Ok(Response::builder()
//!         .header("content-type", "application/grpc-web+proto")
//!         .body(body.to_vec().into())
//!         .unwrap())
//! }
//!
//! let mut call = grpc_web::call(tower::service_fn(watch), "/prices.v1.Prices/Watch").await;
//! call.expect_message().bytes(b"\x08\x05").await;
//! call.expect_end().await;
//!
//! insta::assert_snapshot!(call.transcript(), @r#"
//! HTTP 200 OK
//! content-type: application/grpc-web+proto
//!
//! +0ms     message 2 bytes | 08 05
//! +0ms     status 0 OK
//! +0ms     end
//! "#);
//! # }
//! ```
//!
//! With the feature `prost` messages are the types that it generates: `message` of
//! [`GrpcWebRequest`] sends one, `proto` of [`ExpectMessage`] compares, `decode` of [`Message`]
//! decodes.
//!
//! [gRPC-Web]: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md

mod code;
mod decoder;
mod expect;
mod parser;
#[cfg(feature = "prost")]
mod prost;
mod request;
mod status;
mod stream;

pub use self::code::Code;
pub use self::expect::{ExpectMessage, ExpectStatus};
pub use self::parser::{Item, Message, ParseError, Parser};
#[cfg(feature = "socket")]
pub use self::request::connect;
pub use self::request::{GrpcWebRequest, call};
pub use self::status::Status;
pub use self::stream::GrpcWebStream;
