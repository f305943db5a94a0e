//! What `serve` puts on the wire, over connections in memory that are as awkward as can be.
//!
//! Time is paused, so that a moment's sleep ends when nobody has anything to do any more.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod accept;
mod body;
mod chunks;
mod handover;
mod keep_alive;
mod leaving;
mod reply;
mod same;
mod wire;

use std::{convert::Infallible, time::Duration};

use axum::body::Body;
use http::{Request, Response};
use sse_layer::serve::{Incoming, Serve, Served};

use self::{
    body::{Script, Step},
    reply::{Reply, replies},
    wire::{Connector, Listening, listen},
};

/// Lets everybody do what they can do.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Runs a server for as long as the test.
fn start<S>(service: S) -> Connector
where
    S: Served<Body = Body>,
{
    start_as(service, |serve| serve)
}

fn start_as<S>(
    service: S,
    set: impl FnOnce(Serve<Listening, S>) -> Serve<Listening, S>,
) -> Connector
where
    S: Served<Body = Body>,
{
    let (listening, connector) = listen();
    tokio::spawn(set(sse_layer::serve(listening, service)).into_future());
    connector
}

/// A service from what answers each path.
fn app(
    answer: impl Fn(&str) -> Response<Body> + Clone + Send + 'static,
) -> impl Served<Body = Body> {
    tower::service_fn(move |request: Request<Incoming>| {
        let response = answer(request.uri().path());
        async move { Ok::<_, Infallible>(response) }
    })
}

fn page(text: impl Into<Body>) -> Response<Body> {
    Response::new(text.into())
}

fn event_stream(body: Script) -> Response<Body> {
    Response::builder()
        .header("content-type", "text/event-stream")
        .body(Body::new(body))
        .unwrap()
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
}
