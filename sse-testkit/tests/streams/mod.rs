//! Event streams written by hand: texts with pauses in between.
#![allow(dead_code, reason = "each test file needs a part of it")]

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use sse_testkit::{Body, EventStream, get};

/// Texts, each with the milliseconds before it.
pub(crate) type Script = &'static [(u64, &'static str)];

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A stream that sends each text after so many milliseconds, breaks off at `!`, and stays open at
/// `...`.
pub(crate) async fn open(script: Script) -> EventStream {
    let service = tower::service_fn(move |_: Request<Body>| async move {
        let body = stream::unfold(script.iter(), |mut script| async move {
            let (pause, text) = script.next()?;
            tokio::time::sleep(ms(*pause)).await;
            let frame = match *text {
                "!" => Err(std::io::Error::other("the wire is cut")),
                "..." => std::future::pending().await,
                text => Ok(Frame::data(Bytes::from(text))),
            };
            Some((frame, script))
        });
        let response = Response::builder().header("content-type", "text/event-stream");
        Ok::<_, Infallible>(response.body(StreamBody::new(body)).unwrap())
    });
    get(service, "/").await
}
