//! The engine goes away and comes back, with what it held or without.

use sse_layer::{
    backplane::Failure,
    hub::{Delivery, History, LagPolicy},
};

use super::*;

#[tokio::test(start_paused = true)]
async fn streams_stay_open_in_an_outage_and_catch_up_by_themselves() {
    let [(one, _), (two, engine)] = nodes().await;
    let mut client = opened(two.subscribe("news").unwrap()).await;
    publish(&one, "news", "before").await;
    assert_eq!(told(&mut client, 1).await, ["before"]);
    engine.disconnect();
    let mut missed = Vec::new();
    for n in 0..600 {
        publish(&one, "news", n).await;
        missed.push(n.to_string());
    }
    assert_silent(&mut client, Duration::from_secs(60)).await;
    let stats = two.stats().engine.unwrap();
    assert!(!stats.is_connected && stats.outages == 1);
    engine.reconnect();
    assert_eq!(told(&mut client, 600).await, missed);
    publish(&one, "news", "after").await;
    assert_eq!(told(&mut client, 1).await, ["after"]);
    assert!(two.stats().engine.unwrap().is_connected);
    assert_eq!(two.stats().gaps, 0);
}

#[tokio::test(start_paused = true)]
async fn an_outage_in_which_nothing_was_published_is_not_told_to_anybody() {
    let [(one, _), (two, engine)] = nodes().await;
    let mut client = opened(two.subscribe("news").unwrap()).await;
    for n in 0..5 {
        engine.disconnect();
        assert_silent(&mut client, Duration::from_secs(1)).await;
        engine.reconnect();
        publish(&one, "news", n).await;
        assert_eq!(told(&mut client, 1).await, [n.to_string()]);
    }
    assert_eq!(two.stats().gaps, 0);
}

#[tokio::test(start_paused = true)]
async fn an_outage_costs_nothing_on_a_topic_that_has_been_quiet_for_longer_than_the_history() {
    let [(one, _), (two, engine)] = nodes().await;
    let mut quiet = two.subscribe("quiet").unwrap().no_positions().deliveries();
    let mut busy = opened(two.subscribe("busy").unwrap()).await;
    publish(&one, "quiet", "a").await;
    assert_eq!(told(&mut quiet, 1).await, ["a"]);
    for n in 0..20 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        publish(&one, "busy", n).await;
        assert_eq!(told(&mut busy, 1).await, [n.to_string()]);
    }
    engine.disconnect();
    settle().await;
    engine.reconnect();
    settle().await;
    publish(&one, "quiet", "b").await;
    assert_eq!(told(&mut quiet, 1).await, ["b"]);
    assert_eq!(two.stats().gaps, 0);
}

#[tokio::test(start_paused = true)]
async fn what_an_outage_has_cost_is_told_once_at_its_place() {
    let builder = Hub::builder().history(History::new().events(3));
    let [(one, _), (two, engine)] = nodes_with(builder).await;
    let mut client = opened(two.subscribe("news").unwrap()).await;
    publish(&one, "news", "before").await;
    settle().await;
    engine.disconnect();
    for n in 0..5 {
        publish(&one, "news", n).await;
    }
    engine.reconnect();
    let all = ["before", "gap outage", "2", "3", "4"];
    assert_eq!(told(&mut client, 5).await, all);
    publish(&one, "news", "after").await;
    assert_eq!(told(&mut client, 1).await, ["after"]);
    assert_eq!(two.stats().gaps, 1);
}

#[tokio::test(start_paused = true)]
async fn a_loss_after_which_nothing_is_left_is_told_without_waiting_for_the_next_event() {
    let builder = Hub::builder().history(History::off());
    let [(one, _), (two, engine)] = nodes_with(builder).await;
    let mut client = opened(two.subscribe("news").unwrap()).await;
    engine.disconnect();
    let id = publish(&one, "news", "lost").await;
    engine.reconnect();
    match next(&mut client).await {
        Some(Delivery::Gap(gap)) => {
            assert_eq!(gap.reason.as_str(), "outage");
            assert!(sequence(&gap.id) >= sequence(&id));
        }
        other => panic!("{other:?}"),
    }
    publish(&one, "news", "after").await;
    assert_eq!(told(&mut client, 1).await, ["after"]);
}

#[tokio::test(start_paused = true)]
async fn where_the_newest_counts_an_outage_is_told_as_well() {
    let builder = Hub::builder().history(History::off());
    let [(one, _), (two, engine)] = nodes_with(builder).await;
    let client = two.subscribe("state").unwrap().on_lag(LagPolicy::Latest);
    let mut client = opened(client).await;
    engine.disconnect();
    publish(&one, "state", "lost").await;
    engine.reconnect();
    assert_eq!(told(&mut client, 1).await, ["gap outage"]);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_has_lost_everything_begins_anew_and_everybody_is_told() {
    let [(one, one_engine), (two, two_engine)] = nodes().await;
    let mut client = opened(two.subscribe("news").unwrap()).await;
    let old = publish(&one, "news", "before").await;
    settle().await;
    one_engine.disconnect();
    two_engine.disconnect();
    one_engine.lose_data();
    one_engine.reconnect();
    settle().await;
    let new = publish(&one, "news", "new").await;
    two_engine.reconnect();
    // What was there before the loss is still given.
    assert_eq!(told(&mut client, 1).await, ["before"]);
    match next(&mut client).await {
        Some(Delivery::Gap(gap)) => {
            assert_eq!(gap.reason.as_str(), "outage");
            let epoch = new.as_str().split_once('-').unwrap().0;
            assert!(gap.id.as_str().starts_with(epoch));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(told(&mut client, 1).await, ["new"]);
    publish(&two, "news", "next").await;
    assert_eq!(told(&mut client, 1).await, ["next"]);
    // Whoever comes with an id from before is a stranger.
    let mut late = one.subscribe("news").unwrap().after(old).deliveries();
    assert_eq!(told(&mut late, 3).await, ["gap foreign", "new", "next"]);
}

#[tokio::test(start_paused = true)]
async fn a_loss_without_an_outage_shows_with_the_next_event() {
    let [(one, engine), (two, _)] = nodes().await;
    let mut client = opened(two.subscribe_many(["a", "b"]).unwrap()).await;
    publish(&one, "a", "before").await;
    assert_eq!(told(&mut client, 1).await, ["before"]);
    engine.lose_data();
    publish(&one, "b", "after").await;
    assert_eq!(told(&mut client, 2).await, ["gap outage", "after"]);
    publish(&one, "a", "next").await;
    assert_eq!(told(&mut client, 1).await, ["next"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_in_an_outage_is_served_when_it_is_over() {
    let [(one, _), (two, engine)] = nodes().await;
    let first = publish(&one, "news", "first").await;
    publish(&one, "news", "second").await;
    engine.disconnect();
    let mut back = two.subscribe("news").unwrap().after(first).deliveries();
    let mut new = two.subscribe("news").unwrap().deliveries();
    let mut recent = two.subscribe("news").unwrap().recent(1).deliveries();
    assert_silent(&mut back, Duration::from_secs(100)).await;
    assert!(is_silent(&mut new) && is_silent(&mut recent));
    engine.reconnect();
    assert_eq!(told(&mut back, 1).await, ["second"]);
    assert_eq!(told(&mut new, 1).await, ["at"]);
    assert_eq!(told(&mut recent, 1).await, ["second"]);
    publish(&one, "news", "third").await;
    for client in [&mut back, &mut new, &mut recent] {
        assert_eq!(told(client, 1).await, ["third"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_history_that_can_not_be_read_keeps_streams_open_until_it_can() {
    let [(one, _), (two, engine)] = nodes().await;
    let first = publish(&one, "news", "first").await;
    publish(&one, "news", "second").await;
    engine.refuse_reads(Failure::Refused);
    let mut client = two.subscribe("news").unwrap().after(first).deliveries();
    assert_silent(&mut client, Duration::from_secs(100)).await;
    publish(&one, "news", "third").await;
    assert_silent(&mut client, Duration::from_secs(100)).await;
    engine.refuse_reads(None);
    assert_eq!(told(&mut client, 2).await, ["second", "third"]);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_comes_and_goes_loses_and_doubles_nothing() {
    let [(one, _), (two, engine)] = nodes().await;
    let mut client = opened(two.subscribe("news").unwrap()).await;
    let publisher = async {
        for n in 0..2000 {
            publish(&one, "news", n).await;
            tokio::time::sleep(Duration::from_millis(fastrand::u64(..5))).await;
        }
    };
    let trouble = async {
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(..20))).await;
            engine.answer_after(Duration::from_millis(fastrand::u64(..10)));
            engine.disconnect();
            tokio::time::sleep(Duration::from_millis(fastrand::u64(..20))).await;
            engine.reconnect();
        }
    };
    let reader = async {
        let all: Vec<_> = (0..2000).map(|n| n.to_string()).collect();
        assert_eq!(told(&mut client, all.len()).await, all);
    };
    tokio::join!(publisher, trouble, reader);
    assert_eq!(two.stats().gaps, 0);
}

#[tokio::test(start_paused = true)]
async fn what_one_topic_reads_before_it_is_handed_over_does_not_overtake_another() {
    for pause in 0..40 {
        let [(one, _), (two, engine)] = nodes().await;
        let mut client = opened(two.subscribe_many(["long", "short"]).unwrap()).await;
        engine.disconnect();
        for n in 0..300 {
            publish(&one, "long", n).await;
        }
        let reader = tokio::spawn(async move { told(&mut client, 302).await });
        engine.answer_after(Duration::from_millis(10));
        engine.reconnect();
        tokio::time::sleep(Duration::from_millis(pause)).await;
        // From here on, the engine has what the node has not been told of.
        engine.hold();
        publish(&one, "short", "short").await;
        publish(&one, "long", "long").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        engine.release();
        let mut all: Vec<_> = (0..300).map(|n| n.to_string()).collect();
        all.extend(["short".into(), "long".into()]);
        assert_eq!(reader.await.unwrap(), all, "{pause} ms");
    }
}
