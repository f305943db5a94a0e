//! A hub behind the layer, as clients see it.

use std::{convert::Infallible, time::Duration};

use http::{Request, Response};
use sse_layer::{
    Event, EventName, Hub, LastEventId, Sse, SseBody, SseLayer,
    hub::{History, Subscription},
};
use sse_testkit::{Body, Reconnect, get};
use tower::{Layer, service_fn, util::BoxCloneService};

use crate::{EPOCH, publish};

type Server = BoxCloneService<Request<Body>, Response<SseBody<Subscription>>, Infallible>;

/// Streams a topic, from the client's last id on.
fn server(hub: &Hub, set_up: fn(Subscription) -> Subscription) -> Server {
    let hub = hub.clone();
    let handler = service_fn(move |request: Request<Body>| {
        let last = LastEventId::from_request(&request);
        let subscription = hub.subscribe("t").unwrap().after(last);
        async move { Ok(Sse::new(set_up(subscription))) }
    });
    BoxCloneService::new(SseLayer::new().layer(handler))
}

fn hub() -> Hub {
    Hub::builder().epoch(EPOCH).build()
}

#[tokio::test]
async fn a_client_that_reconnects_gets_what_it_missed_and_nothing_twice() {
    let hub = hub();
    let mut sse = get(server(&hub, |all| all), "/").await;
    sse.expect_status(200)
        .expect_header("content-type", "text/event-stream");
    publish(&hub, "t", "one").await;
    sse.expect_message().text("one").await;
    sse.close();
    publish(&hub, "t", "two").await;
    hub.publish("t", Event::json([3]).event("three"))
        .await
        .unwrap();
    assert_eq!(sse.reconnect().await, Reconnect::Open);
    sse.expect_message()
        .text("two")
        .id("0000000000000007-2")
        .await;
    sse.expect_event("three").json(&[3]).await;
    publish(&hub, "t", "four").await;
    sse.expect_message().text("four").await;
    sse.expect_no_event(Duration::from_secs(60)).await;
    insta::assert_snapshot!(sse.transcript());
}

#[tokio::test]
async fn a_client_that_is_cut_off_before_its_first_event_loses_nothing() {
    let hub = hub();
    publish(&hub, "t", "before").await;
    let mut sse = get(server(&hub, |all| all), "/").await;
    sse.expect_id("0000000000000007-1").await;
    sse.close();
    publish(&hub, "t", "meanwhile").await;
    assert_eq!(sse.reconnect().await, Reconnect::Open);
    sse.expect_message().text("meanwhile").await;
}

#[tokio::test]
async fn a_gap_is_an_event_whose_id_is_where_the_stream_goes_on() {
    let hub = Hub::builder()
        .epoch(EPOCH)
        .history(History::new().events(1))
        .gap_event(EventName::new("missed").unwrap())
        .build();
    for n in 1..=3 {
        publish(&hub, "t", n).await;
    }
    let resumed = |from: &str| get(server(&hub, |all| all), "/").last_event_id(from);
    let mut sse = resumed("0000000000000007-0").await;
    sse.expect_event("missed")
        .text(r#"{"reason":"evicted","missed":2}"#)
        .id("0000000000000007-2")
        .await;
    sse.expect_message().text("3").await;
    let mut sse = resumed("00000000000000ff-2").await;
    sse.expect_event("missed")
        .text(r#"{"reason":"foreign","missed":null}"#)
        .id("0000000000000007-0")
        .await;
    sse.expect_message().text("3").await;
}

#[tokio::test]
async fn what_a_filter_passes_over_is_told_between_heartbeats() {
    let hub = hub();
    let none = |all: Subscription| all.filter(|_| false);
    let mut sse = get(server(&hub, none), "/").await;
    publish(&hub, "t", "x").await;
    sse.expect_heartbeat().await;
    publish(&hub, "t", "x").await;
    sse.expect_id("0000000000000007-2").await;
    sse.expect_heartbeat().await;
    insta::assert_snapshot!(sse.transcript().without_headers());
}

#[tokio::test]
async fn a_topic_in_which_nothing_happens_sends_nothing_but_heartbeats() {
    let hub = hub();
    let mut sse = get(server(&hub, |all| all), "/").await;
    sse.expect_heartbeat().await;
    publish(&hub, "other", "x").await;
    sse.expect_heartbeat().await;
    assert_eq!(sse.last_event_id(), "0000000000000007-0");
}
