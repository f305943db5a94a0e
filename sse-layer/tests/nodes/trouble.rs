//! What goes wrong beside an outage, or in the middle of one.

use sse_layer::{
    backplane::{Backplane, Outgoing, Stored},
    hub::{History, LagPolicy},
};

use super::{odd::odd, *};

#[tokio::test(start_paused = true)]
async fn what_was_published_before_a_read_and_not_listened_to_is_read_again() {
    let (hub, odd, other, engine) = odd().await;
    let mut client = opened(hub.subscribe("news").unwrap()).await;
    publish(&other, "news", 1).await;
    assert_eq!(told(&mut client, 1).await, ["1"]);
    // A hole, which is read while the engine can't hand over anything but still answers.
    odd.go_deaf(true);
    publish(&other, "news", 2).await;
    odd.go_deaf(false);
    engine.answer_after(Duration::from_secs(1));
    publish(&other, "news", 3).await;
    settle().await;
    odd.go_deaf(true);
    odd.tell_disconnected();
    tokio::time::sleep(Duration::from_secs(5)).await;
    publish(&other, "news", 4).await;
    odd.go_deaf(false);
    odd.tell_reconnected();
    assert_eq!(told(&mut client, 3).await, ["2", "3", "4"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_of_which_the_one_before_is_forgotten_does_not_hide_what_an_outage_has_cost() {
    let [(one, _), (two, engine)] = nodes().await;
    let mut client = opened(two.subscribe("news").unwrap()).await;
    publish(&one, "news", "before").await;
    assert_eq!(told(&mut client, 1).await, ["before"]);
    engine.disconnect();
    publish(&one, "news", "lost").await;
    // The topic is forgotten, and begins anew before the node has asked what it has missed.
    tokio::time::sleep(Duration::from_secs(11 * 60)).await;
    engine.answer_after(Duration::from_secs(1));
    engine.reconnect();
    publish(&one, "news", "after").await;
    assert_eq!(told(&mut client, 2).await, ["gap outage", "after"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_from_before_a_loss_does_not_bring_back_what_is_lost() {
    let [(one, engine), (two, _)] = nodes().await;
    let mut client = opened(one.subscribe("news").unwrap()).await;
    // What the node asks now and then is under way when the loss shows.
    engine.answer_after(Duration::from_secs(20));
    tokio::time::sleep(Duration::from_secs(6)).await;
    engine.lose_data();
    publish(&two, "news", "after").await;
    let begun = tokio::time::Instant::now();
    assert_eq!(told(&mut client, 2).await, ["gap outage", "after"]);
    // It listens, asks from where on that is, and reads: once, after the answer that is late.
    assert!(
        begun.elapsed() < Duration::from_secs(90),
        "{:?}",
        begun.elapsed()
    );
    engine.answer_after(Duration::ZERO);
    tokio::time::sleep(Duration::from_secs(60)).await;
    publish(&two, "news", "next").await;
    assert_eq!(told(&mut client, 1).await, ["next"]);
    assert_eq!(one.stats().gaps, 1);
}

#[tokio::test(start_paused = true)]
async fn a_page_for_a_topic_that_is_gone_is_thrown_away() {
    let (hub, odd, other, engine) = odd().await;
    let client = opened(hub.subscribe("news").unwrap()).await;
    odd.go_deaf(true);
    publish(&other, "news", 1).await;
    odd.go_deaf(false);
    engine.answer_after(Duration::from_secs(60));
    publish(&other, "news", 2).await;
    settle().await;
    engine.answer_after(Duration::ZERO);
    drop(client);
    tokio::time::sleep(Duration::from_secs(180)).await;
    let stats = hub.stats();
    assert_eq!((stats.topics, stats.history_bytes), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn topics_that_nobody_wants_any_more_after_an_outage_are_not_listened_to() {
    let (hub, odd, _, engine) = odd().await;
    engine.disconnect();
    for n in 0..100 {
        drop(hub.subscribe(&format!("topic {n}")).unwrap().deliveries());
    }
    let mut client = hub.subscribe("news").unwrap().deliveries();
    assert_silent(&mut client, Duration::from_secs(60)).await;
    assert_eq!(hub.stats().topics, 1);
    engine.reconnect();
    assert_eq!(told(&mut client, 1).await, ["at"]);
    assert_eq!(Vec::from_iter(odd.listened_to()), ["news"]);
}

#[tokio::test(start_paused = true)]
async fn topics_that_can_not_be_read_do_not_keep_others_from_being_read() {
    let (hub, odd, other, _) = odd().await;
    let mut bad = Vec::new();
    for n in 0..100 {
        let topic = format!("bad {n}");
        let id = publish(&other, &topic, 1).await;
        publish(&other, &topic, 2).await;
        bad.push(opened(hub.subscribe(&topic).unwrap()).await);
        bad.push(hub.subscribe(&topic).unwrap().after(id).deliveries());
    }
    odd.refuse("bad");
    assert!(bad.iter_mut().all(is_silent));
    let first = publish(&other, "good", "a").await;
    publish(&other, "good", "b").await;
    let back = hub.subscribe("good").unwrap().after(first);
    assert_eq!(told(&mut back.deliveries(), 1).await, ["b"]);
    // The same for holes.
    let mut good = opened(hub.subscribe("good").unwrap()).await;
    odd.go_deaf(true);
    for n in 0..100 {
        publish(&other, &format!("bad {n}"), 3).await;
    }
    publish(&other, "good", "c").await;
    odd.go_deaf(false);
    for n in 0..100 {
        publish(&other, &format!("bad {n}"), 4).await;
    }
    settle().await;
    publish(&other, "good", "d").await;
    assert_eq!(told(&mut good, 2).await, ["c", "d"]);
    // And when they can be read, nothing was lost of them.
    odd.refuse(None);
    for pair in bad.chunks_mut(2) {
        assert_eq!(told(&mut pair[0], 2).await, ["3", "4"]);
        assert_eq!(told(&mut pair[1], 3).await, ["2", "3", "4"]);
    }
}

#[tokio::test(start_paused = true)]
async fn publishing_does_not_wait_for_a_topic_that_the_engine_does_not_let_listen_to() {
    let (hub, odd, _, engine) = odd().await;
    odd.refuse("news");
    let mut client = hub.subscribe("news").unwrap().deliveries();
    assert_silent(&mut client, Duration::from_secs(1)).await;
    let begun = tokio::time::Instant::now();
    publish(&hub, "news", "a").await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    // Nor for longer than it takes to be refused.
    engine.answer_after(Duration::from_millis(50));
    odd.refuse("other");
    let mut other = hub.subscribe("other").unwrap().deliveries();
    publish(&hub, "other", "a").await;
    assert_eq!(begun.elapsed(), Duration::from_millis(100));
    assert!(is_silent(&mut other));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_event_is_nothing_that_a_reader_lags_behind() {
    let [(one, engine)] = nodes().await;
    for policy in [
        LagPolicy::CatchUp,
        LagPolicy::Skip,
        LagPolicy::Latest,
        LagPolicy::Close,
    ] {
        let mut client = opened(one.subscribe("news").unwrap().on_lag(policy)).await;
        for round in 0..3 {
            let topic = "news";
            let event = Outgoing {
                topic,
                frame: b"\xff",
                key: None,
            };
            engine.publish(event).await.unwrap();
            publish(&one, "news", round).await;
            publish(&one, "news", "next").await;
            let round = round.to_string();
            assert_eq!(told(&mut client, 2).await, [round.as_str(), "next"]);
        }
    }
    let stats = one.stats();
    assert_eq!((stats.gaps, stats.lagged), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_client_of_a_quiet_topic_keeps_an_id_that_a_short_history_can_prove() {
    let builder = Hub::builder().history(History::new().age(Duration::from_secs(4)));
    let [(one, _), (two, _)] = nodes_with(builder).await;
    let mut client = opened(two.subscribe("quiet").unwrap()).await;
    let mut id = None;
    let busy = async {
        for n in 0..700 {
            publish(&one, &format!("busy {n}"), n).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let reader = async {
        while let Ok(next) = tokio::time::timeout(Duration::from_secs(20), client.next()).await {
            match next {
                Some(sse_layer::hub::Delivery::Position(position)) => id = Some(position),
                other => panic!("{other:?}"),
            }
        }
    };
    let cut_off = tokio::time::sleep(Duration::from_millis(59_500));
    tokio::select! {
        () = async { tokio::join!(busy, reader); } => {}
        () = cut_off => {}
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    publish(&one, "busy", 0).await;
    let mut back = one
        .subscribe("quiet")
        .unwrap()
        .after(id.unwrap())
        .deliveries();
    publish(&one, "quiet", "a").await;
    assert_eq!(told(&mut back, 1).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_does_not_answer_is_not_asked_without_a_pause() {
    let [(one, engine)] = nodes().await;
    let mut client = opened(one.subscribe("news").unwrap()).await;
    engine.hold();
    let begun = std::time::Instant::now();
    // What the node asks now and then fails; and then there is an outage.
    assert_silent(&mut client, Duration::from_secs(60)).await;
    engine.disconnect();
    assert_silent(&mut client, Duration::from_secs(3600)).await;
    // All of it is done in no time, for time stands still as long as anything is busy.
    assert!(begun.elapsed() < Duration::from_secs(10));
    engine.reconnect();
    engine.release();
    publish(&one, "news", "a").await;
    assert_eq!(told(&mut client, 1).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_was_announced_and_is_not_to_be_had_is_taken_for_lost_after_a_while() {
    let (hub, odd, other, _) = odd().await;
    let mut client = opened(hub.subscribe("news").unwrap()).await;
    let first = publish(&other, "news", "first").await;
    assert_eq!(told(&mut client, 1).await, ["first"]);
    // As after a failover to one that had not got it yet.
    let lost = Stored {
        sequence: sequence(&first) + 10,
        previous: sequence(&first) + 9,
        frame: "data: lost\n\n".into(),
    };
    odd.hand_over("news", epoch(&first), lost.clone());
    match next(&mut client).await {
        Some(sse_layer::hub::Delivery::Gap(gap)) => {
            assert_eq!(gap.reason.as_str(), "outage");
            assert_eq!(sequence(&gap.id), lost.sequence);
        }
        other => panic!("{other:?}"),
    }
    // The engine is told how far it had been, before it gives such a number again.
    tokio::time::sleep(Duration::from_secs(10)).await;
    publish(&other, "news", "next").await;
    assert_eq!(told(&mut client, 1).await, ["next"]);
    assert_eq!(hub.stats().gaps, 1);
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_was_refused_and_is_lost_is_not_listened_to_any_more() {
    let (hub, odd, other, engine) = odd().await;
    let mut busy = opened(hub.subscribe("busy").unwrap()).await;
    odd.refuse("news");
    let mut client = hub.subscribe("news").unwrap().deliveries();
    settle().await;
    assert!(is_silent(&mut client));
    drop(client);
    engine.lose_data();
    publish(&other, "busy", "a").await;
    odd.refuse(None);
    // The time at which it would be tried again.
    assert_eq!(told(&mut busy, 2).await, ["gap outage", "a"]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(Vec::from_iter(odd.listened_to()), ["busy"]);
}
