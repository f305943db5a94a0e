//! Streams of gRPC messages, as clients of an event stream see them.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::{collections::BTreeMap, convert::Infallible, time::Duration};

use async_stream::stream;
use futures_util::{Stream, StreamExt, stream};
use http::Request;
use serde::Serialize;
use serde_json::json;
use sse_layer::{ConnectionLimit, EncodeError, Event, EventStream, OnError, Sse, SseLayer, grpc};
use sse_testkit::{Body, RequestBuilder};
use tonic::{Code, Response, Status};
use tower::{Layer, service_fn};

#[derive(Clone, Serialize)]
struct Price {
    symbol: &'static str,
    cents: u64,
}

const ACME: Price = Price {
    symbol: "ACME",
    cents: 1250,
};

type Call<S> = Result<Response<S>, Status>;

/// A client of what the layer makes of a call's answer.
fn get<S>(call: Call<S>) -> RequestBuilder
where
    S: Stream<Item = Result<Price, Status>> + Unpin + Send + 'static,
{
    get_sse(async { grpc::answer(call).await.event("price") })
}

fn get_sse<F, S>(sse: F) -> RequestBuilder
where
    F: Future<Output = Sse<S>> + Send + 'static,
    S: EventStream + Send + 'static,
{
    let mut sse = Some(sse);
    let handler = service_fn(move |_: Request<Body>| {
        let sse = sse.take().unwrap();
        async { Ok::<_, Infallible>(sse.await) }
    });
    sse_testkit::get(SseLayer::new().layer(handler), "/")
}

#[tokio::test]
async fn messages_are_json_and_the_status_that_ends_them_is_the_last_event() {
    let messages = [Ok(ACME), Err(Status::data_loss("a feed is gone")), Ok(ACME)];
    let mut sse = get(Ok(Response::new(stream::iter(messages)))).await;
    sse.expect_status(200);
    sse.expect_event("price")
        .json(&json!({"symbol": "ACME", "cents": 1250}))
        .await;
    sse.expect_event("error")
        .json(&json!({"code": 15, "status": "DATA_LOSS", "message": "a feed is gone"}))
        .await;
    sse.expect_end().await;
}

#[tokio::test]
async fn a_call_without_a_stream_is_an_http_status() {
    let call: Call<stream::Empty<_>> = Err(Status::not_found("no such symbol"));
    let mut sse = get(call).await;
    sse.expect_status(404)
        .expect_header("content-type", "application/json");
    let told: serde_json::Value = sse.body_json().await;
    let expected = json!({"code": 5, "status": "NOT_FOUND", "message": "no such symbol"});
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_stream_that_has_nothing_but_a_status_is_an_http_status_too() {
    let messages = stream::iter([Err(Status::permission_denied("not yours"))]);
    let mut sse = get(Ok(Response::new(messages))).await;
    sse.expect_status(403);
    assert!(sse.body_text().await.contains("not yours"));
}

#[tokio::test]
async fn a_refused_call_holds_no_place_under_the_limit() {
    let limit = ConnectionLimit::new(1);
    let layer = SseLayer::new().limit(limit.clone());
    let handler = layer.layer(service_fn(async |_: Request<Body>| {
        let call: Call<stream::Empty<Result<Price, _>>> = Err(Status::unauthenticated("who?"));
        Ok::<_, Infallible>(grpc::answer(call).await)
    }));
    let sse = sse_testkit::get(handler, "/").await;
    sse.expect_status(401);
    assert_eq!((limit.current(), limit.peak()), (0, 1));
}

#[tokio::test]
async fn a_stream_is_opened_before_its_first_message_and_kept_alive_until_it_comes() {
    let messages = Box::pin(stream! {
        tokio::time::sleep(Duration::from_secs(20)).await;
        yield Ok(ACME);
        tokio::time::sleep(Duration::from_secs(1)).await;
        yield Err(Status::unavailable("closed"));
    });
    let mut sse = get(Ok(Response::new(messages))).await;
    sse.expect_status(200);
    sse.expect_opening().await;
    sse.expect_heartbeat().await;
    sse.expect_event("price")
        .within(Duration::from_secs(5))
        .await;
    sse.expect_event("error").await;
    sse.expect_end().await;
}

#[tokio::test]
async fn a_stream_without_messages_ends_and_is_not_asked_again() {
    let mut is_over = false;
    let messages = stream::poll_fn(move |_| {
        assert!(
            !std::mem::replace(&mut is_over, true),
            "asked behind its end"
        );
        std::task::Poll::Ready(None)
    });
    let mut sse = get(Ok(Response::new(messages))).await;
    sse.expect_status(200);
    sse.expect_end().await;
}

#[tokio::test]
async fn the_status_ok_is_a_good_end() {
    let messages = || stream::iter([Ok(ACME), Err(Status::ok("done")), Ok(ACME)]);
    let with_ids = || messages().map(|message| message.map(Event::json));
    let (plain, with_ids) = (messages(), with_ids());
    let streams = [
        get(Ok(Response::new(messages()))),
        get_sse(async { grpc::sse(plain) }),
        get_sse(async { Sse::new(with_ids).on_error(grpc::on_error()) }),
    ];
    for stream in streams {
        let mut sse = stream.await;
        sse.collect(1).await;
        sse.expect_end().await;
    }
    let mut at_once = get(Ok(Response::new(stream::iter([Err(Status::ok(""))])))).await;
    at_once.expect_status(200);
    at_once.expect_end().await;
    let call: Call<stream::Empty<_>> = Err(Status::ok(""));
    get(call).await.expect_status(204);
}

#[tokio::test]
async fn what_is_no_status_is_an_internal_error_that_tells_nothing() {
    // JSON has no keys that are lists.
    let messages = stream::iter([Ok(BTreeMap::from([(vec![1_u8], "a secret")]))]);
    let mut sse = get_sse(async { grpc::sse(messages) }).await;
    sse.expect_event("error")
        .json(&json!({"code": 13, "status": "INTERNAL", "message": "the stream failed"}))
        .await;
    sse.expect_end().await;
}

#[tokio::test]
async fn a_status_within_another_error_is_found() {
    let events = stream::iter([Err::<Event, _>(EncodeError::new(Status::aborted("again")))]);
    let mut sse = get_sse(async { Sse::new(events).on_error(grpc::on_error()) }).await;
    let event = sse.expect_event("error").await;
    assert_eq!(event.json::<serde_json::Value>()["status"], "ABORTED");
}

#[tokio::test]
async fn the_policy_for_a_status_can_be_another() {
    let messages = stream::iter([Ok(ACME), Err(Status::new(Code::Unknown, "a secret"))]);
    let mut sse = get_sse(async { grpc::sse(messages).on_error(OnError::close()) }).await;
    sse.expect_message().await;
    sse.expect_end().await;
    assert!(!sse.transcript().to_string().contains("secret"));
}

#[tokio::test]
async fn messages_can_be_given_ids() {
    let messages = stream::iter([Ok::<_, Status>(ACME)]).map(|message| {
        message.map(|price| {
            let id = price.cents;
            Event::json(price).with_id(id)
        })
    });
    let mut sse = get_sse(async { Sse::new(messages).on_error(grpc::on_error()) }).await;
    sse.expect_message().id("1250").await;
    sse.expect_end().await;
}
