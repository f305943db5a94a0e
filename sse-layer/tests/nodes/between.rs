//! What happens between a question to the engine and its answer.

use sse_layer::backplane::Failure;

use super::{odd::odd, *};

const SECOND: Duration = Duration::from_secs(1);

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

#[tokio::test(start_paused = true)]
async fn topics_that_are_opened_one_after_the_other_begin_at_the_same_place() {
    let [(one, engine), (two, _)] = nodes().await;
    let mut before = opened(one.subscribe("open").unwrap()).await;
    publish(&two, "open", "before").await;
    publish(&two, "new", "before").await;
    assert_eq!(told(&mut before, 1).await, ["before"]);
    engine.answer_after(SECOND);
    let mut client = one.subscribe_many(["open", "new"]).unwrap().deliveries();
    assert_silent(&mut client, SECOND / 2).await;
    // Of the one it is told already.
    publish(&two, "open", 1).await;
    publish(&two, "new", 2).await;
    publish(&two, "open", 3).await;
    // Of the other it is told only what comes after this.
    assert_silent(&mut client, SECOND * 3 / 2).await;
    publish(&two, "new", 4).await;
    assert_eq!(told(&mut client, 4).await, ["1", "2", "3", "4"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_of_several_topics_is_not_given_what_was_there_before_it() {
    let builder = Hub::builder().max_history_bytes(0);
    for [(one, engine), (two, _)] in [nodes().await, nodes_with(builder).await] {
        let mut before = opened(one.subscribe("open").unwrap()).await;
        publish(&two, "new", "before").await;
        publish(&two, "open", "before").await;
        assert_eq!(told(&mut before, 1).await, ["before"]);
        engine.answer_after(SECOND);
        let client = one.subscribe_many(["open", "new"]).unwrap();
        let mut client = client.deliveries();
        assert_silent(&mut client, SECOND / 2).await;
        publish(&two, "new", "while it is opened").await;
        // There is nothing before this that it has been told the place of.
        assert_eq!(told(&mut client, 1).await, ["at"]);
        assert_eq!(one.stats().engine.unwrap().reads, 0);
        publish(&two, "open", 1).await;
        publish(&two, "new", 2).await;
        assert_eq!(told(&mut client, 2).await, ["1", "2"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_of_several_topics_is_not_given_what_one_of_them_has_missed_before_it() {
    let (hub, odd, other, engine) = odd().await;
    let mut before = opened(hub.subscribe_many(["a", "b"]).unwrap()).await;
    odd.go_deaf(true);
    publish(&other, "a", "a1").await;
    odd.go_deaf(false);
    engine.answer_after(SECOND);
    publish(&other, "b", "b2").await;
    publish(&other, "a", "a3").await;
    publish(&other, "b", "b4").await;
    // What is missing is being read, and all of it is from before this.
    let mut client = hub.subscribe_many(["a", "b"]).unwrap().deliveries();
    assert_eq!(told(&mut client, 1).await, ["at"]);
    let all = ["a1", "b2", "a3", "b4"];
    assert_eq!(told(&mut before, 4).await, all);
    publish(&other, "a", "a5").await;
    publish(&other, "b", "b6").await;
    assert_eq!(told(&mut client, 2).await, ["a5", "b6"]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_to_know_how_far_the_engine_is_gets_to_know_it_after_failures() {
    let (hub, odd, other, engine) = odd().await;
    let mut client = opened(hub.subscribe("news").unwrap()).await;
    odd.hide_frontiers(true);
    // One that has missed something, one that is new, and one whose id the node has not heard of.
    engine.disconnect();
    publish(&other, "news", 1).await;
    engine.reconnect();
    let mut new = hub.subscribe("new").unwrap().deliveries();
    let id = publish(&other, "elsewhere", "x").await;
    let mut ahead = hub.subscribe("news").unwrap().after(id).deliveries();
    assert!(is_silent(&mut new) && is_silent(&mut ahead));
    assert_silent(&mut client, SECOND * 5).await;
    assert!(is_silent(&mut new) && is_silent(&mut ahead));
    odd.hide_frontiers(false);
    assert_eq!(told(&mut client, 1).await, ["1"]);
    assert_eq!(told(&mut new, 1).await, ["at"]);
    publish(&other, "news", 2).await;
    assert_eq!(told(&mut client, 1).await, ["2"]);
    assert_eq!(told(&mut ahead, 1).await, ["2"]);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_does_not_tell_how_far_it_is_is_not_asked_for_each_who_comes() {
    let (hub, odd, ..) = odd().await;
    // The second time as the first: once it was told, the pauses are short again.
    for round in 0..2 {
        odd.hide_frontiers(true);
        let before = odd.frontiers();
        let mut clients = Vec::new();
        for n in 0..1000 {
            let topic = format!("topic {round} {n}");
            clients.push(hub.subscribe(&topic).unwrap().deliveries());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // After pauses that grow from a tenth of a second, or half of that.
        let asked = odd.frontiers() - before;
        assert!((2..10).contains(&asked), "{asked}");
        odd.hide_frontiers(false);
        for client in &mut clients {
            assert_eq!(told(client, 1).await, ["at"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_came_in_an_outage_is_no_reason_for_calls_until_its_end() {
    let [(one, engine)] = nodes().await;
    engine.disconnect();
    let mut client = one.subscribe("news").unwrap().deliveries();
    assert_silent(&mut client, SECOND * 10).await;
    engine.answer_after(SECOND / 10);
    engine.reconnect();
    // It has not failed once, and so is waited for.
    publish(&one, "news", "a").await;
    assert_eq!(told(&mut client, 1).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_a_loss_is_given_to_a_client_that_had_not_begun_before_it() {
    let [(one, engine), (two, _)] = nodes().await;
    let mut busy = opened(one.subscribe("busy").unwrap()).await;
    for n in 0..100 {
        publish(&two, "busy", n).await;
    }
    assert_eq!(told(&mut busy, 100).await.len(), 100);
    let mut client = one.subscribe("news").unwrap().deliveries();
    engine.lose_data();
    publish(&two, "busy", "x").await;
    // Attached anew, and not looked at again before there is something.
    assert!(is_silent(&mut client));
    tokio::time::sleep(SECOND).await;
    publish(&two, "news", "a").await;
    publish(&two, "news", "b").await;
    assert_eq!(told(&mut client, 2).await, ["a", "b"]);
}
