//! Every outcome of a resume.

use std::time::Duration;

use futures_util::StreamExt;
use sse_layer::{
    Hub, LastEventId,
    hub::{History, HubBuilder, Subscription},
};

use crate::{EPOCH, after, id, publish, ready};

fn hub(history: History) -> HubBuilder {
    Hub::builder().epoch(EPOCH).history(history)
}

/// A hub that has published five messages, `1` to `5`, and keeps the last three.
async fn five_published() -> Hub {
    let hub = hub(History::new().events(3)).build();
    for n in 1..=5 {
        publish(&hub, "t", n).await;
    }
    hub
}

fn resumed(hub: &Hub, from: impl Into<LastEventId>) -> Subscription {
    hub.subscribe("t").unwrap().after(from)
}

#[tokio::test]
async fn every_id_that_a_client_may_come_back_with_has_its_answer() {
    let all_kept = ["3", "4", "5"].as_slice();
    let table: [(&str, LastEventId, &[&str]); 14] = [
        ("nothing missed", id(5).into(), &[]),
        ("some missed", id(3).into(), &["4", "5"]),
        ("all that is kept, and no more", id(2).into(), all_kept),
        (
            "evicted, and nobody knows how many",
            id(1).into(),
            &["gap evicted ? up to 2", "3", "4", "5"],
        ),
        (
            "evicted, from the very beginning",
            id(0).into(),
            &["gap evicted 2 up to 2", "3", "4", "5"],
        ),
        (
            "unknown: of this hub, and not given out yet",
            id(6).into(),
            &["gap unknown ? up to 0", "3", "4", "5"],
        ),
        (
            "foreign: of another hub, such as before a restart",
            after("0000000000000008-5"),
            &["gap foreign ? up to 0", "3", "4", "5"],
        ),
        (
            "garbage",
            after("garbage"),
            &["gap unknown ? up to 0", "3", "4", "5"],
        ),
        (
            "a number, such as from what was there before the hub",
            after("3"),
            &["gap unknown ? up to 0", "3", "4", "5"],
        ),
        (
            "not quite an id",
            after("0000000000000007-03"),
            &["gap unknown ? up to 0", "3", "4", "5"],
        ),
        (
            "more than any id",
            after(&"9".repeat(5000)),
            &["gap unknown ? up to 0", "3", "4", "5"],
        ),
        (
            "a larger number than there are",
            after("0000000000000007-99999999999999999999"),
            &["gap unknown ? up to 0", "3", "4", "5"],
        ),
        ("an empty one is none", after(""), &["at 5"]),
        ("none", LastEventId::default(), &["at 5"]),
    ];
    for (name, from, expected) in table {
        let hub = five_published().await;
        let mut got = resumed(&hub, from).deliveries();
        assert_eq!(ready(&mut got), expected, "{name}");
        // However it began, it goes on with what comes.
        publish(&hub, "t", "6").await;
        assert_eq!(ready(&mut got), ["6"], "{name}");
    }
}

#[tokio::test]
async fn who_goes_on_from_a_gap_is_not_told_of_it_again() {
    let hub = five_published().await;
    for (from, gap_id) in [(id(1), 2), (id(99), 0)] {
        let mut got = resumed(&hub, from).deliveries();
        let gap = format!("up to {gap_id}");
        assert!(ready(&mut got)[0].ends_with(&gap));
    }
    let mut got = resumed(&hub, id(2)).deliveries();
    assert_eq!(ready(&mut got), ["3", "4", "5"]);
}

#[tokio::test]
async fn a_client_cut_off_before_its_first_event_goes_on_from_its_position() {
    let hub = hub(History::new()).build();
    publish(&hub, "t", "before").await;
    publish(&hub, "other", "x").await;
    let mut first = hub.subscribe("t").unwrap().deliveries();
    assert_eq!(ready(&mut first), ["at 2"]);
    drop(first);
    publish(&hub, "t", "meanwhile").await;
    let mut second = resumed(&hub, id(2)).deliveries();
    assert_eq!(ready(&mut second), ["meanwhile"]);
}

#[tokio::test(start_paused = true)]
async fn a_filter_does_not_leave_its_client_behind() {
    let hub = hub(History::new().events(10)).build();
    let evens = |hub: &Hub| {
        hub.subscribe("t")
            .unwrap()
            .filter(|message| message.data().unwrap().parse::<u64>().unwrap() % 2 == 0)
    };
    let mut first = evens(&hub).deliveries();
    assert_eq!(ready(&mut first), ["at 0"], "nobody has published yet");
    tokio::time::advance(Duration::from_secs(15)).await;
    assert_eq!(ready(&mut first), [""; 0], "which it knows");
    publish(&hub, "t", "2").await;
    assert_eq!(ready(&mut first), ["2"]);
    for _ in 0..100 {
        publish(&hub, "t", "1").await;
    }
    assert_eq!(ready(&mut first), [""; 0], "nothing that it wants");
    tokio::time::advance(Duration::from_secs(14)).await;
    assert_eq!(ready(&mut first), [""; 0], "nor is it told so all the time");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(ready(&mut first), ["at 101"]);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(
        ready(&mut first),
        [""; 0],
        "what it knows is not told again"
    );

    let mut from_there = evens(&hub).after(id(101)).deliveries();
    assert_eq!(ready(&mut from_there), [""; 0]);
    // Who could not be told has its position far back, and may have missed something.
    let mut from_far_back = evens(&hub).after(id(1)).deliveries();
    assert_eq!(ready(&mut from_far_back), ["gap evicted ? up to 91"]);
    tokio::time::advance(Duration::from_secs(15)).await;
    assert_eq!(ready(&mut from_far_back), ["at 101"]);
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_always_has_more_to_look_at_tells_its_position_all_the_same() {
    let hub = hub(History::new()).build();
    for n in 1..=1000 {
        publish(&hub, "t", n).await;
    }
    let mut none = resumed(&hub, id(0)).filter(|_| false).deliveries();
    assert_eq!(ready(&mut none), [""; 0]);
    tokio::time::advance(Duration::from_secs(15)).await;
    assert_eq!(ready(&mut none), ["at 512"]);
    assert_eq!(ready(&mut none), [""; 0]);
}

#[tokio::test]
async fn filters_apply_to_what_is_replayed_and_add_up() {
    let hub = hub(History::new()).build();
    for n in 1..=1000 {
        publish(&hub, "t", n).await;
    }
    let divides = |by: u64| {
        move |message: &sse_layer::hub::Message| {
            message.data().unwrap().parse::<u64>().unwrap() % by == 0
        }
    };
    let both = resumed(&hub, id(0)).filter(divides(7)).filter(divides(11));
    let mut got = both.deliveries();
    // In several turns, so that others have theirs.
    let mut all = Vec::new();
    for _ in 0..10 {
        all.extend(ready(&mut got));
    }
    let expected: Vec<String> = (1..=1000)
        .filter(|n| n % 77 == 0)
        .map(|n| n.to_string())
        .collect();
    assert_eq!(all, expected);
}

#[tokio::test]
async fn positions_can_be_switched_off() {
    let hub = hub(History::new()).build();
    publish(&hub, "t", "1").await;
    let mut got = hub.subscribe("t").unwrap().no_positions().deliveries();
    assert_eq!(ready(&mut got), [""; 0]);
}

#[tokio::test]
async fn a_new_client_may_begin_with_the_newest_messages() {
    let hub = hub(History::new()).build();
    for n in 1..=6 {
        publish(&hub, if n % 3 == 0 { "b" } else { "a" }, n).await;
    }
    let recent = |count| {
        let both = hub.subscribe_many(["a", "b"]).unwrap();
        both.recent(count)
    };
    let all = ["1", "2", "3", "4", "5", "6"];
    assert_eq!(ready(&mut recent(0).deliveries()), ["at 6"]);
    assert_eq!(ready(&mut recent(1).deliveries()), ["5", "6"]);
    assert_eq!(ready(&mut recent(2).deliveries()), ["3", "4", "5", "6"]);
    assert_eq!(ready(&mut recent(usize::MAX).deliveries()), all);
    // One that comes back gets what it missed, not more.
    assert_eq!(ready(&mut recent(6).after(id(5)).deliveries()), ["6"]);
    // One that comes from elsewhere gets everything.
    let stranger = recent(1).after(after("x"));
    let told = ready(&mut stranger.deliveries());
    assert_eq!(told[0], "gap unknown ? up to 0");
    assert_eq!(told[1..], all);
}

#[tokio::test]
async fn a_new_client_may_begin_with_the_first_message_ever() {
    let five = five_published().await;
    let whole = |hub: &Hub| hub.subscribe("t").unwrap().from_the_first();
    assert_eq!(
        ready(&mut whole(&five).deliveries()),
        ["gap evicted 2 up to 2", "3", "4", "5"]
    );
    assert_eq!(ready(&mut whole(&five).after(id(4)).deliveries()), ["5"]);
    let hub = hub(History::new()).build();
    assert_eq!(ready(&mut whole(&hub).deliveries()), ["at 0"]);
    publish(&hub, "t", "a").await;
    publish(&hub, "other", "b").await;
    publish(&hub, "t", "c").await;
    assert_eq!(ready(&mut whole(&hub).deliveries()), ["a", "c"]);
}

#[tokio::test]
async fn several_topics_come_in_the_order_of_their_ids_and_gaps_in_their_places() {
    let hub = hub(History::new().events(2)).build();
    for (topic, n) in [
        ("a", 1),
        ("b", 2),
        ("a", 3),
        ("c", 4),
        ("a", 5),
        ("a", 6),
        ("b", 7),
    ] {
        publish(&hub, topic, n).await;
    }
    let resumed = |topics: &[&str], from| {
        let subscription = hub.subscribe_many(topics).unwrap();
        ready(&mut subscription.after(from).deliveries())
    };
    let all = ["a", "b", "c"];
    assert_eq!(
        resumed(&all, id(0)),
        ["2", "gap evicted 2 up to 3", "4", "5", "6", "7"],
    );
    assert_eq!(
        resumed(&all, id(2)),
        ["gap evicted ? up to 3", "4", "5", "6", "7"]
    );
    assert_eq!(resumed(&all, id(3)), ["4", "5", "6", "7"]);
    assert_eq!(resumed(&["c", "b", "c"], id(0)), ["2", "4", "7"]);
    assert_eq!(resumed(&["c"], id(4)), ["at 7"]);
    assert_eq!(resumed(&["unheard of"], id(4)), ["at 7"]);
    assert_eq!(resumed(&["unheard of"], id(7)), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_gone_and_a_client_is_told() {
    let hub = hub(History::new().age(Duration::from_secs(60))).build();
    publish(&hub, "t", "1").await;
    tokio::time::advance(Duration::from_secs(30)).await;
    publish(&hub, "t", "2").await;
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(
        ready(&mut resumed(&hub, id(0)).deliveries()),
        ["gap evicted 1 up to 1", "2"]
    );
    assert_eq!(ready(&mut resumed(&hub, id(1)).deliveries()), ["2"]);
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(
        ready(&mut resumed(&hub, id(1)).deliveries()),
        ["gap evicted ? up to 2"]
    );
    assert_eq!(ready(&mut resumed(&hub, id(2)).deliveries()), [""; 0]);
}

#[tokio::test]
async fn bytes_bound_a_history_as_events_do() {
    let large = "x".repeat(1000);
    let hub = hub(History::new().bytes(4000)).build();
    for _ in 0..10 {
        publish(&hub, "t", &large).await;
    }
    assert!(hub.stats().history_bytes <= 4000);
    let told = ready(&mut resumed(&hub, id(0)).deliveries());
    assert_eq!(told[0], "gap evicted 7 up to 7");
    assert_eq!(told[1..], [&*large; 3]);
    // What is larger than all of it is sent, and not kept; nor is what was before it.
    let mut live = hub.subscribe("t").unwrap().no_positions().deliveries();
    let huge = "x".repeat(5000);
    publish(&hub, "t", &huge).await;
    assert_eq!(ready(&mut live), [&*huge]);
    assert_eq!(hub.stats().history_bytes, 0);
    assert_eq!(
        ready(&mut resumed(&hub, id(8)).deliveries()),
        ["gap evicted ? up to 11"]
    );
}

#[tokio::test]
async fn without_a_history_a_client_is_told_that_its_topic_has_gone_on() {
    let hub = hub(History::off()).build();
    publish(&hub, "t", "1").await;
    assert_eq!(hub.stats().topics, 0, "nobody needs it");
    let mut live = hub.subscribe("t").unwrap().deliveries();
    assert_eq!(ready(&mut live), ["at 1"]);
    publish(&hub, "t", "2").await;
    assert_eq!(ready(&mut live), ["2"]);
    assert_eq!(ready(&mut resumed(&hub, id(2)).deliveries()), [""; 0]);
    assert_eq!(
        ready(&mut resumed(&hub, id(1)).deliveries()),
        ["gap evicted ? up to 2"]
    );
    // Also when nobody was there, so that there was no topic.
    drop(live);
    publish(&hub, "t", "3").await;
    assert_eq!(
        ready(&mut resumed(&hub, id(2)).deliveries()),
        ["gap evicted ? up to 3"]
    );
    assert_eq!(ready(&mut resumed(&hub, id(3)).deliveries()), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_was_dropped_remembers_that_there_was_something() {
    let hub = hub(History::new().age(Duration::from_secs(60))).build();
    publish(&hub, "t", "1").await;
    publish(&hub, "t", "2").await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(hub.stats().topics, 0);
    assert_eq!(
        ready(&mut resumed(&hub, id(1)).deliveries()),
        ["gap evicted ? up to 2"]
    );
    assert_eq!(ready(&mut resumed(&hub, id(2)).deliveries()), [""; 0]);
}

#[tokio::test]
async fn what_is_published_between_subscribing_and_reading_is_not_lost() {
    for history in [History::new(), History::off()] {
        let hub = hub(history).build();
        publish(&hub, "t", "1").await;
        let new = hub.subscribe("t").unwrap();
        let back = resumed(&hub, id(1));
        publish(&hub, "t", "2").await;
        publish(&hub, "t", "3").await;
        assert_eq!(ready(&mut new.deliveries()), ["2", "3"]);
        assert_eq!(ready(&mut back.deliveries()), ["2", "3"]);
    }
}

#[tokio::test]
async fn a_stream_can_end_behind_its_last_message() {
    let hub = hub(History::new()).build();
    for word in ["a", "b", "done", "c"] {
        publish(&hub, "t", word).await;
    }
    let answer = |from| {
        let answer = hub.subscribe("t").unwrap().after(from);
        answer.end_after(|message| message.data().unwrap() == "done")
    };
    assert_eq!(
        ready(&mut answer(id(0)).deliveries()),
        ["a", "b", "done", "the end"]
    );
    assert_eq!(ready(&mut answer(id(2)).deliveries()), ["done", "the end"]);
    assert_eq!(ready(&mut answer(id(3)).deliveries()), ["c"]);
    // Of what is filtered out it is not asked.
    let unseen = answer(id(0)).filter(|message| message.data().unwrap() != "done");
    assert_eq!(ready(&mut unseen.deliveries()), ["a", "b", "c"]);
}

#[tokio::test]
async fn the_newest_message_is_there_to_be_asked_for() {
    let hub = five_published().await;
    let newest = hub.newest("t").await.unwrap().unwrap();
    assert_eq!(newest.id(), id(5));
    assert_eq!(newest.json::<u64>().unwrap(), 5);
    assert!(hub.newest("other").await.unwrap().is_none());
    assert_eq!(hub.stats().topics, 1, "asking makes no topic");
}

#[tokio::test]
async fn a_stranger_is_told_of_what_goes_while_it_reads() {
    for from in ["garbage", "0000000000000008-5"] {
        let hub = hub(History::new().events(100)).build();
        for n in 1..=100 {
            publish(&hub, "t", n).await;
        }
        let mut slow = resumed(&hub, after(from)).deliveries();
        for _ in 0..10 {
            slow.next().await;
        }
        for n in 101..=300 {
            publish(&hub, "t", n).await;
        }
        let rest = ready(&mut slow);
        let told = rest.iter().position(|what| what.starts_with("gap"));
        // Behind the page that it had in hand.
        assert_eq!(told, Some(55), "{from}");
        assert_eq!(rest[54..57], ["64", "gap evicted 36 up to 100", "101"]);
        assert_eq!(rest.len(), 256);
    }
}

#[tokio::test]
async fn a_stranger_for_whom_nothing_is_kept_goes_on_from_now() {
    let hub = hub(History::off()).build();
    publish(&hub, "t", 1).await;
    publish(&hub, "t", 2).await;
    let mut stranger = resumed(&hub, after("garbage")).deliveries();
    assert_eq!(ready(&mut stranger), ["gap unknown ? up to 0", "at 2"]);
    assert_eq!(ready(&mut resumed(&hub, id(2)).deliveries()), [""; 0]);
}

#[tokio::test]
async fn recent_messages_are_those_before_subscribing_and_take_nothing_from_those_behind() {
    for (recent, from) in [(0, 6), (1, 5), (2, 4), (9, 1)] {
        let hub = hub(History::new()).build();
        for n in 1..=5 {
            publish(&hub, "t", n).await;
        }
        let late = hub.subscribe("t").unwrap().recent(recent);
        for n in 6..=9 {
            publish(&hub, "t", n).await;
        }
        let expected: Vec<_> = (from..=9).map(|n| n.to_string()).collect();
        assert_eq!(ready(&mut late.deliveries()), expected, "{recent}");
    }
}

#[tokio::test]
async fn a_client_cut_off_before_anything_was_published_goes_on_from_there() {
    let hub = hub(History::new()).build();
    let mut first = hub.subscribe("t").unwrap().deliveries();
    assert_eq!(ready(&mut first), ["at 0"]);
    drop(first);
    publish(&hub, "t", "meanwhile").await;
    let mut second = resumed(&hub, id(0)).deliveries();
    assert_eq!(ready(&mut second), ["meanwhile"]);
}

#[tokio::test]
async fn an_id_that_was_given_out_after_subscribing_is_gone_on_from_as_any_other() {
    for history in [History::new(), History::off()] {
        let hub = hub(history).build();
        publish(&hub, "t", 1).await;
        let both = [resumed(&hub, id(3)), resumed(&hub, id(4))];
        for n in 2..=5 {
            publish(&hub, if n == 4 { "other" } else { "t" }, n).await;
        }
        for late in both {
            assert_eq!(ready(&mut late.deliveries()), ["5"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn few_who_come_back_to_topics_that_are_gone_are_told_of_gaps_that_are_none() {
    let hub = hub(History::new()).build();
    let mut ids = Vec::new();
    for n in 0..10_000 {
        ids.push(publish(&hub, &n.to_string(), "x").await);
    }
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(hub.stats().topics, 0);
    for (n, id) in ids.into_iter().enumerate() {
        let back = hub.subscribe(&n.to_string()).unwrap().after(id);
        ready(&mut back.deliveries());
    }
    let told = hub.stats().gaps;
    assert!(told < 1000, "{told} of 10,000");
}

#[tokio::test(start_paused = true)]
async fn what_a_filter_lets_through_tells_the_position_for_a_while() {
    let hub = hub(History::new()).build();
    let mut evens = hub.subscribe("t").unwrap().filter(|message| {
        let n: u64 = message.data().unwrap().parse().unwrap();
        n % 2 == 0
    });
    evens = evens.after(id(0));
    let mut evens = evens.deliveries();
    assert_eq!(ready(&mut evens), [""; 0]);
    for n in 1..=5 {
        tokio::time::advance(Duration::from_secs(7)).await;
        publish(&hub, "t", n).await;
        let expected = if n % 2 == 0 {
            vec![n.to_string()]
        } else {
            vec![]
        };
        assert_eq!(ready(&mut evens), expected);
    }
    tokio::time::advance(Duration::from_secs(7)).await;
    assert_eq!(ready(&mut evens), [""; 0], "14 seconds after 4");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(ready(&mut evens), ["at 5"]);
}

#[tokio::test(start_paused = true)]
async fn however_topics_share_what_is_remembered_of_them_no_loss_is_silent() {
    let hub = hub(History::new()).max_topics(1000).build();
    for n in 1..=1000 {
        publish(&hub, &n.to_string(), "x").await;
    }
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(hub.stats().topics, 0);
    for n in 1..=1000 {
        let missed_it = hub.subscribe(&n.to_string()).unwrap().after(id(n - 1));
        let told = ready(&mut missed_it.deliveries());
        assert!(told[0].starts_with("gap evicted"), "{n}: {told:?}");
    }
}
