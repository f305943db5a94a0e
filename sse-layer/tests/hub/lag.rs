//! Subscribers that are slower than what they are subscribed to.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use sse_layer::{
    Hub,
    hub::{History, LagPolicy},
};

use crate::{EPOCH, id, publish, ready};

/// A queue of four events, and a history of so many.
fn hub(history: usize) -> Hub {
    Hub::builder()
        .epoch(EPOCH)
        .queue(4, usize::MAX)
        .history(History::new().events(history))
        .build()
}

#[tokio::test]
async fn each_policy_does_with_a_slow_subscriber_what_it_says() {
    let table: [(LagPolicy, usize, &[&str]); 7] = [
        (
            LagPolicy::CatchUp,
            100,
            &["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"],
        ),
        (
            LagPolicy::CatchUp,
            6,
            &["gap lagged 4 up to 4", "5", "6", "7", "8", "9", "10"],
        ),
        // The queue reaches further back than the history: nothing of it is given up.
        (
            LagPolicy::CatchUp,
            2,
            &["gap lagged 6 up to 6", "7", "8", "9", "10"],
        ),
        (
            LagPolicy::CatchUp,
            0,
            &["gap lagged 6 up to 6", "7", "8", "9", "10"],
        ),
        (
            LagPolicy::Skip,
            100,
            &["gap lagged 6 up to 0", "7", "8", "9", "10"],
        ),
        (LagPolicy::Latest, 100, &["10"]),
        (LagPolicy::Close, 100, &["the end"]),
    ];
    for (policy, history, expected) in table {
        let hub = hub(history);
        let slow = hub.subscribe("t").unwrap().on_lag(policy);
        let mut slow = slow.no_positions().deliveries();
        assert_eq!(ready(&mut slow), [""; 0]);
        for n in 1..=10 {
            publish(&hub, "t", n).await;
        }
        assert_eq!(ready(&mut slow), expected, "{policy:?}, {history} kept");
        if policy != LagPolicy::Close {
            publish(&hub, "t", 11).await;
            assert_eq!(ready(&mut slow), ["11"], "{policy:?}");
        }
    }
}

#[tokio::test]
async fn a_subscriber_that_was_closed_comes_back_for_what_it_missed() {
    let hub = hub(100);
    let slow = hub.subscribe("t").unwrap().on_lag(LagPolicy::Close);
    let mut slow = slow.deliveries();
    publish(&hub, "t", 1).await;
    assert_eq!(ready(&mut slow), ["1"]);
    for n in 2..=10 {
        publish(&hub, "t", n).await;
    }
    assert_eq!(ready(&mut slow), ["the end"]);
    assert!(slow.next().await.is_none(), "it stays at its end");
    let mut back = hub.subscribe("t").unwrap().after(id(1)).deliveries();
    assert_eq!(
        ready(&mut back),
        (2..=10).map(|n| n.to_string()).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn one_slow_topic_of_several_catches_up_in_its_place() {
    let hub = hub(100);
    let both = hub.subscribe_many(["quick", "slow"]).unwrap();
    let mut both = both.no_positions().deliveries();
    assert_eq!(ready(&mut both), [""; 0]);
    for n in 1..=20 {
        publish(&hub, if n % 10 == 0 { "slow" } else { "quick" }, n).await;
    }
    let all: Vec<_> = (1..=20).map(|n| n.to_string()).collect();
    assert_eq!(ready(&mut both), all);
}

#[tokio::test]
async fn a_subscriber_lags_again_and_again_and_loses_nothing() {
    let hub = hub(1000);
    let mut slow = hub.subscribe("t").unwrap().no_positions().deliveries();
    let (mut published, mut read) = (0, Vec::new());
    for round in 1..40 {
        for _ in 0..round {
            published += 1;
            publish(&hub, "t", published).await;
        }
        // Not to the end of what there is: so it is in the middle of its way through the history.
        for _ in 0..round / 2 {
            match slow.next().await.unwrap() {
                sse_layer::hub::Delivery::Message(message) => {
                    read.push(message.data().unwrap().into_owned());
                }
                other => panic!("{other:?}"),
            }
        }
    }
    read.extend(ready(&mut slow));
    let all: Vec<_> = (1..=published).map(|n| n.to_string()).collect();
    assert_eq!(read, all);
    let stats = hub.stats();
    assert_eq!(stats.delivered, published);
    assert!(stats.lagged > 0 && stats.replayed > 0, "{stats:?}");
    assert_eq!(stats.gaps, 0);
}

#[tokio::test]
async fn what_a_stalled_subscriber_holds_is_bounded_by_bytes_too() {
    let large = "x".repeat(10_000);
    let hub = Hub::builder()
        .queue(1000, 100_000)
        .history(History::new().bytes(50_000))
        .build();
    let mut stalled = hub.subscribe("t").unwrap().no_positions().deliveries();
    assert_eq!(ready(&mut stalled), [""; 0]);
    let info = allocation_counter::measure(|| {
        for _ in 0..1000 {
            let event = sse_layer::Event::text(large.clone());
            hub.blocking_publish("t", event).unwrap();
        }
    });
    // The queue and the history share what they both have.
    let held = info.bytes_current;
    assert!((90_000..120_000).contains(&held), "{held} bytes");
    let told = ready(&mut stalled);
    assert_eq!(told[0], "gap lagged 991 up to 991");
    assert_eq!(told.len(), 10);
}

#[tokio::test]
async fn who_is_cut_off_behind_what_it_skipped_may_still_get_it() {
    let hub = hub(100);
    let both = |from| {
        let both = hub.subscribe_many(["quiet", "t"]).unwrap();
        let both = both.on_lag(LagPolicy::Skip).after(from);
        both.no_positions().deliveries()
    };
    publish(&hub, "t", 1).await;
    let mut first = both(id(1));
    assert_eq!(ready(&mut first), [""; 0]);
    for n in 2..=10 {
        publish(&hub, if n == 4 { "quiet" } else { "t" }, n).await;
    }
    assert_eq!(
        ready(&mut first),
        ["gap lagged 4 up to 1", "4", "7", "8", "9", "10"]
    );
    // Had it been cut off behind the gap, or behind the other topic's message:
    let all = ["2", "3", "4", "5", "6", "7", "8", "9", "10"];
    assert_eq!(ready(&mut both(id(1))), all);
    assert_eq!(ready(&mut both(id(4))), all[3..]);
}

#[tokio::test]
async fn who_is_closed_before_its_first_event_knows_from_where_to_come_back() {
    let hub = hub(100);
    publish(&hub, "t", 1).await;
    let slow = |from: Option<sse_layer::EventId>| {
        let slow = hub.subscribe("t").unwrap().on_lag(LagPolicy::Close);
        match from {
            Some(from) => slow.after(from).deliveries(),
            None => slow.deliveries(),
        }
    };
    let (mut new, mut back) = (slow(None), slow(Some(id(1))));
    for n in 2..=10 {
        publish(&hub, "t", n).await;
    }
    assert_eq!(ready(&mut new), ["at 1", "the end"]);
    assert_eq!(ready(&mut back), ["the end"], "it knows that already");
}

#[tokio::test]
async fn one_topic_that_lags_closes_all_before_the_others_leave_it_behind() {
    let hub = hub(100);
    let both = |from| {
        let both = hub.subscribe_many(["other", "t"]).unwrap();
        both.on_lag(LagPolicy::Close).after(from).deliveries()
    };
    let mut first = both(id(0));
    for n in 1..=8 {
        publish(&hub, if n == 7 { "other" } else { "t" }, n).await;
    }
    assert_eq!(ready(&mut first), ["the end"], "7 is behind what it missed");
    let all: Vec<_> = (1..=8).map(|n| n.to_string()).collect();
    assert_eq!(ready(&mut both(id(0))), all);
}

#[tokio::test]
async fn a_filter_leaves_open_how_many_are_missing() {
    let hub = hub(0);
    let slow = hub.subscribe("t").unwrap().filter(|message| {
        let n: u64 = message.data().unwrap().parse().unwrap();
        n % 2 == 0
    });
    for n in 1..=10 {
        publish(&hub, "t", n).await;
    }
    let told = ready(&mut slow.deliveries());
    assert_eq!(told, ["gap lagged ? up to 6", "8", "10"]);
}

#[tokio::test]
async fn where_a_client_knows_the_newest_message_the_number_of_what_it_misses_is_known() {
    let hub = hub(0);
    let late = hub.subscribe("t").unwrap();
    for n in 1..=3 {
        publish(&hub, "t", n).await;
    }
    let mut late = late.after(id(3)).no_positions().deliveries();
    assert_eq!(ready(&mut late), [""; 0]);
    for n in 4..=10 {
        publish(&hub, "t", n).await;
    }
    assert_eq!(
        ready(&mut late),
        ["gap lagged 3 up to 6", "7", "8", "9", "10"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_stalled_reader_of_the_history_holds_is_bounded_by_bytes_too() {
    let hub = Hub::builder()
        .epoch(EPOCH)
        .history(History::new().bytes(10_000_000))
        .build();
    let large = "x".repeat(100_000);
    let mut stalled = None;
    let held = allocation_counter::measure(|| {
        for _ in 0..64 {
            let event = sse_layer::Event::text(large.clone());
            hub.blocking_publish("t", event).unwrap();
        }
        let mut reader = hub.subscribe("t").unwrap().after(id(0));
        assert!(reader.next().now_or_never().is_some());
        stalled = Some(reader);
        // Everything that is kept goes.
        tokio::time::advance(Duration::from_secs(600)).now_or_never();
        assert!(hub.newest("t").now_or_never().unwrap().unwrap().is_none());
    });
    assert_eq!(hub.stats().history_bytes, 0);
    let held = held.bytes_current;
    assert!((100_000..300_000).contains(&held), "{held} bytes");
}

#[tokio::test]
async fn a_gap_never_leads_back_before_what_another_topic_sent() {
    let hub = hub(100);
    let both = hub.subscribe_many(["quiet", "t"]).unwrap();
    let mut both = both.on_lag(LagPolicy::Skip).no_positions().deliveries();
    publish(&hub, "t", 1).await;
    publish(&hub, "quiet", 2).await;
    assert_eq!(ready(&mut both), ["1", "2"]);
    for n in 3..=8 {
        publish(&hub, "t", n).await;
    }
    let told = ["gap lagged 2 up to 2", "5", "6", "7", "8"];
    assert_eq!(ready(&mut both), told);
}
