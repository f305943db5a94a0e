//! Publishing to an engine: what fails, and what is published once.

use std::error::Error as _;

use sse_layer::{backplane::Failure, hub::PublishError};

use super::*;

async fn try_publish(hub: &Hub) -> Result<EventId, PublishError> {
    hub.publish("news", Event::text("a")).await
}

#[tokio::test(start_paused = true)]
async fn a_failed_publish_tells_whether_the_event_may_be_out() {
    let [(one, engine), (two, _)] = nodes().await;
    let mut client = opened(two.subscribe("news").unwrap()).await;
    engine.refuse(Failure::Refused);
    let refused = try_publish(&one).await.unwrap_err();
    assert!(matches!(refused, PublishError::Refused(_)), "{refused:?}");
    assert!(refused.source().is_some());
    engine.refuse(Failure::Unavailable);
    let unavailable = try_publish(&one).await.unwrap_err();
    assert!(matches!(unavailable, PublishError::Unavailable(_)));
    assert!(is_silent(&mut client));
    engine.refuse(Failure::Unknown);
    let unknown = try_publish(&one).await.unwrap_err();
    assert!(matches!(unknown, PublishError::Unknown(_)));
    assert_eq!(told(&mut client, 1).await, ["a"]);
    engine.disconnect();
    let unavailable = try_publish(&one).await.unwrap_err();
    assert!(matches!(unavailable, PublishError::Unavailable(_)));
    assert_eq!(one.stats().published, 0);
}

#[tokio::test(start_paused = true)]
async fn a_publish_that_is_repeated_with_its_key_is_there_once_from_whichever_node() {
    let [(one, engine), (two, _)] = nodes().await;
    let mut client = opened(two.subscribe("news").unwrap()).await;
    engine.refuse(Failure::Unknown);
    let event = Event::text("a");
    let unknown = one.publish("news", event.clone()).key("k").await;
    assert!(matches!(unknown, Err(PublishError::Unknown(_))));
    let id = two.publish("news", event.clone()).key("k").await.unwrap();
    engine.refuse(None);
    assert_eq!(one.publish("news", event).key("k").await.unwrap(), id);
    publish(&one, "news", "b").await;
    assert_eq!(told(&mut client, 2).await, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_hub_refuses_never_gets_to_the_engine() {
    let [(one, _)] = nodes_with(Hub::builder().max_event_bytes(20)).await;
    let publish = async |topic: &str, event: Event| one.publish(topic, event).await.unwrap_err();
    let too_large = publish("news", Event::text("x".repeat(20))).await;
    assert!(matches!(too_large, PublishError::EventTooLarge { .. }));
    let own_id = publish("news", Event::text("x").id("1")).await;
    assert!(matches!(own_id, PublishError::OwnId));
    assert!(matches!(
        publish("", Event::text("x")).await,
        PublishError::Topic(_)
    ));
    assert!(one.newest("news").await.unwrap().is_none());
}

#[test]
fn a_thread_that_may_wait_publishes_without_a_runtime_of_its_own() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let [(one, engine)] = runtime.block_on(nodes());
    let id = one.blocking_publish("news", Event::text("a")).unwrap();
    let newest = runtime.block_on(one.newest("news")).unwrap().unwrap();
    assert_eq!(newest.id(), id);
    engine.disconnect();
    let error = one.blocking_publish("news", Event::text("b")).unwrap_err();
    assert!(matches!(error, PublishError::Unavailable(_)));
}

#[tokio::test(start_paused = true)]
async fn publishing_does_not_wait_for_a_topic_that_can_not_be_opened() {
    let [(one, engine), (two, _)] = nodes().await;
    engine.disconnect();
    let mut client = one.subscribe("news").unwrap().deliveries();
    let begun = tokio::time::Instant::now();
    assert!(try_publish(&one).await.is_err());
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert!(is_silent(&mut client));
    engine.reconnect();
    assert_eq!(told(&mut client, 1).await, ["at"]);
    publish(&two, "news", "b").await;
    assert_eq!(told(&mut client, 1).await, ["b"]);
}
