//! What happens between a question to the engine and its answer.

use sse_layer::backplane::Failure;

use super::{odd::Odd, *};

const SECOND: Duration = Duration::from_secs(1);

/// A hub on an engine of which something is in trouble, and another that nothing is wrong with.
async fn odd() -> (Hub, Odd, Hub, Memory) {
    let engine = Memory::new();
    let odd = Odd::new(engine.clone());
    let hub = Hub::builder().backplane(odd.clone()).await.unwrap();
    let (other, _) = node(&engine, Hub::builder()).await;
    (hub, odd, other, engine)
}

#[tokio::test(start_paused = true)]
async fn what_is_published_while_a_topic_is_opened_is_given_though_nothing_follows_it() {
    let [(one, engine), (two, _)] = nodes().await;
    engine.answer_after(SECOND);
    let mut client = one.subscribe("news").unwrap().deliveries();
    // Listened to after a second; and after two it is known from where on.
    assert_silent(&mut client, SECOND * 3 / 2).await;
    publish(&two, "news", "a").await;
    assert_eq!(told(&mut client, 1).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_published_in_an_outage_while_a_topic_is_opened_is_given_though_nothing_follows_it()
{
    let [(one, engine), (two, _)] = nodes().await;
    engine.answer_after(SECOND);
    let mut client = one.subscribe("news").unwrap().deliveries();
    assert_silent(&mut client, SECOND * 3 / 2).await;
    engine.disconnect();
    publish(&two, "news", "a").await;
    engine.reconnect();
    assert_eq!(told(&mut client, 1).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_opened_in_an_outage_waits_for_its_end() {
    let [(one, engine), (two, _)] = nodes().await;
    engine.answer_after(SECOND);
    let mut client = one.subscribe("news").unwrap().deliveries();
    assert_silent(&mut client, SECOND * 3 / 2).await;
    engine.disconnect();
    assert_silent(&mut client, SECOND * 60).await;
    publish(&two, "news", "a").await;
    engine.reconnect();
    assert_eq!(told(&mut client, 1).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_page_from_before_an_outage_says_nothing_of_what_came_in_it() {
    let (hub, odd, other, engine) = odd().await;
    let mut client = opened(hub.subscribe("news").unwrap()).await;
    odd.go_deaf(true);
    publish(&other, "news", 1).await;
    odd.go_deaf(false);
    engine.answer_after(SECOND * 10);
    publish(&other, "news", 2).await;
    // The hole is read: what is told in ten seconds is what the engine has now.
    settle().await;
    engine.answer_after(Duration::ZERO);
    engine.disconnect();
    publish(&other, "news", 3).await;
    engine.reconnect();
    assert_eq!(told(&mut client, 3).await, ["1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_begins_while_the_last_is_got_over_is_got_over_as_well() {
    let (hub, odd, other, engine) = odd().await;
    let mut client = opened(hub.subscribe("news").unwrap()).await;
    engine.answer_after(SECOND);
    odd.tell_disconnected();
    odd.tell_reconnected();
    // It is asked how far the engine is, and when that is told there is another outage, in which
    // reads are answered all the same.
    settle().await;
    odd.go_deaf(true);
    odd.tell_disconnected();
    assert_silent(&mut client, SECOND * 10).await;
    publish(&other, "news", "a").await;
    odd.go_deaf(false);
    odd.tell_reconnected();
    assert_eq!(told(&mut client, 1).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_missing_before_an_outage_is_read_after_it() {
    let (hub, odd, other, engine) = odd().await;
    let mut client = opened(hub.subscribe("news").unwrap()).await;
    engine.refuse_reads(Failure::Unavailable);
    odd.go_deaf(true);
    publish(&other, "news", 1).await;
    odd.go_deaf(false);
    publish(&other, "news", 2).await;
    assert_silent(&mut client, SECOND).await;
    engine.disconnect();
    engine.refuse_reads(None);
    publish(&other, "news", 3).await;
    engine.reconnect();
    assert_eq!(told(&mut client, 3).await, ["1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_node_publishes_right_after_an_outage_is_its_subscribers_own() {
    let (hub, odd, _, engine) = odd().await;
    engine.answer_after(SECOND);
    odd.refuse("news");
    let mut client = hub.subscribe("news").unwrap().deliveries();
    assert_silent(&mut client, SECOND / 2).await;
    // That it could not be listened to is the outage's fault, not the topic's.
    odd.tell_disconnected();
    assert_silent(&mut client, SECOND).await;
    odd.refuse(None);
    odd.tell_reconnected();
    publish(&hub, "news", "a").await;
    assert_eq!(told(&mut client, 1).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn topics_that_wait_for_their_turn_to_be_read_are_not_read_in_an_outage() {
    const TOPICS: usize = 100;
    let (hub, odd, other, engine) = odd().await;
    let names: Vec<_> = (0..TOPICS).map(|n| format!("topic {n}")).collect();
    let mut clients = Vec::new();
    for name in &names {
        clients.push(opened(hub.subscribe(name).unwrap()).await);
    }
    engine.answer_after(SECOND);
    for is_deaf in [true, false] {
        odd.go_deaf(is_deaf);
        for name in &names {
            publish(&other, name, is_deaf).await;
        }
    }
    settle().await;
    let begun = odd.reads();
    assert!((1..TOPICS).contains(&begun), "{begun} at once");
    engine.disconnect();
    assert!(is_silent(&mut clients[0]));
    tokio::time::sleep(SECOND * 60).await;
    assert_eq!(odd.reads(), begun);
    engine.reconnect();
    for client in &mut clients {
        assert_eq!(told(client, 2).await, ["true", "false"]);
    }
}
