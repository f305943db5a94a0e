//! A gRPC-Web server written by hand: frames with pauses in between.
#![allow(dead_code, reason = "each test file needs a part of it")]

use std::convert::Infallible;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody, combinators::UnsyncBoxBody};
use sse_testkit::Body;
use sse_testkit::grpc_web::{self, GrpcWebRequest};

/// What a server does next.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Send(Vec<u8>),
    Pause(u64),
    Break(&'static str),
    HttpTrailers(HeaderMap),
    StayOpen,
}

use self::Step::{Break, HttpTrailers, Pause, Send, StayOpen};

pub(crate) type Headers = &'static [(&'static str, &'static str)];
pub(crate) type Answer = Response<UnsyncBoxBody<Bytes, std::io::Error>>;

pub(crate) const BINARY: Headers = &[("content-type", "application/grpc-web+proto")];
pub(crate) const TEXT: Headers = &[("content-type", "application/grpc-web-text+proto")];

pub(crate) fn frame(flags: u8, payload: impl AsRef<[u8]>) -> Step {
    let payload = payload.as_ref();
    let size = u32::try_from(payload.len()).unwrap().to_be_bytes();
    Send([&[flags], &size[..], payload].concat())
}

/// A number as protobuf encodes it: the field 1 of a message.
pub(crate) fn number(n: u8) -> Step {
    frame(0, [8, n])
}

pub(crate) fn trailers(block: &str) -> Step {
    frame(0x80, block)
}

pub(crate) fn ok() -> Step {
    trailers("grpc-status: 0\r\n")
}

pub(crate) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Does one step after the other; text is base64, each step its own segment.
pub(crate) fn answer(headers: Headers, steps: Vec<Step>) -> Answer {
    let text = headers.iter().any(|(_, value)| value.contains("-text"));
    let frames = stream::iter(steps).filter_map(move |step| async move {
        match step {
            Send(bytes) if text => Some(Ok(Frame::data(STANDARD.encode(bytes).into()))),
            Send(bytes) => Some(Ok(Frame::data(bytes.into()))),
            Break(why) => Some(Err(std::io::Error::other(why))),
            HttpTrailers(trailers) => Some(Ok(Frame::trailers(trailers))),
            StayOpen => std::future::pending().await,
            Pause(seconds) => {
                tokio::time::sleep(secs(seconds)).await;
                None
            }
        }
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    for (name, value) in headers {
        response.headers_mut().append(*name, value.parse().unwrap());
    }
    response
}

/// A call of a service that answers like this.
pub(crate) fn watch(headers: Headers, steps: impl Into<Vec<Step>>) -> GrpcWebRequest {
    let steps = steps.into();
    let service = tower::service_fn(move |_: Request<Body>| {
        let answer = answer(headers, steps.clone());
        async move { Ok::<_, Infallible>(answer) }
    });
    grpc_web::call(service, "/prices.v1.Prices/Watch")
}
