use std::time::Duration;

use serde_json::{Value, json};
use sse_testkit::{Event, Frame};

use crate::{millis, new_app, nth, post, post_json, secs};

#[tokio::test(start_paused = true)]
async fn one_stream_carries_prices_orders_notifications_and_stats() {
    let app = new_app().await;
    let mut sse = sse_testkit::get(app.clone(), "/sse/live").await;
    sse.collect_for(millis(500)).await;
    post(&app, "/orders/a-1/simulate").await.expect_status(202);
    let notification = r#"{"type":"deploy","data":"done"}"#;
    post_json(&app, "/api/notifications", notification)
        .await
        .expect_status(200);
    sse.collect_for(millis(1400)).await;
    insta::assert_snapshot!(sse.transcript().redact_json("historyBytes", "[bytes]"));
}

#[tokio::test(start_paused = true)]
async fn the_stats_are_sent_every_two_seconds() {
    let mut sse = sse_testkit::get(new_app().await, "/sse/live").await;
    let mut events = sse.collect_for(millis(7500)).await;
    events.retain(|event| event.event == "stats");
    assert_eq!(events.len(), 4, "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn one_id_resumes_all_feeds_wherever_it_was_cut() {
    let whole = watch(None).await.events;
    let count = |name| {
        whole
            .iter()
            .filter(|(_, event)| event.event == name)
            .count()
    };
    assert_eq!(count("stockUpdate"), 5 + 5 * 5);
    assert_eq!(count("order-update"), 4);
    assert_eq!(count("notification"), 4);
    assert_eq!(count("gap"), 0);
    let whole: Vec<(Duration, u64)> = with_ids(&whole).collect();
    assert!(whole.is_sorted_by_key(|&(_, id)| id), "{whole:?}");

    // Behind each of the first events, also between those of one tick.
    for before_the_cut in 1..30 {
        let Watched { events, back_at } = watch(Some(before_the_cut)).await;
        let ids = with_ids(&events).map(|(_, id)| id);
        assert!(
            ids.eq(whole.iter().map(|&(_, id)| id)),
            "cut behind event {before_the_cut}: {events:?}"
        );

        // What was published meanwhile stands before the event that says so, and no more does.
        let of_caught_up = |(_, event): &(Duration, Event)| event.event == "caught-up";
        let caught_up = events.iter().rposition(of_caught_up).unwrap();
        let seen = with_ids(&events[..before_the_cut]).count();
        let replayed = with_ids(&events[before_the_cut..caught_up]).count();
        let missed = whole[seen..].iter().filter(|(at, _)| *at < back_at);
        assert_eq!(
            replayed,
            missed.count(),
            "cut behind event {before_the_cut}"
        );
    }
}

struct Watched {
    /// All events, with the times at which they came.
    events: Vec<(Duration, Event)>,
    /// When the client that was cut off was there again.
    back_at: Duration,
}

/// What a client gets of a few seconds in which all kinds of things happen, if it is cut off behind
/// so many events.
async fn watch(before_the_cut: Option<usize>) -> Watched {
    let app = new_app().await;
    let mut sse = sse_testkit::get(app.clone(), "/sse/live").await;
    tokio::spawn(async move {
        tokio::time::sleep(millis(750)).await;
        post(&app, "/orders/a-1/simulate").await.expect_status(202);
        for n in 0..4 {
            let notification = format!(r#"{{"type":"deploy","data":{n}}}"#);
            let sent = post_json(&app, "/api/notifications", notification).await;
            sent.expect_status(200);
            tokio::time::sleep(millis(1110)).await;
        }
    });
    let mut back_at = secs(0);
    if let Some(before_the_cut) = before_the_cut {
        sse.collect(before_the_cut).await;
        sse.close();
        // So that it comes back at a moment at which nothing happens.
        tokio::time::sleep(millis(7)).await;
        let _ = sse.reconnect().await;
        back_at = sse.elapsed();
    }
    let rest = millis(5500) - sse.elapsed();
    sse.collect_for(rest).await;
    let events = sse.frames().filter_map(|(at, frame)| match frame {
        Frame::Event { event, .. } => Some((at, event.clone())),
        _ => None,
    });
    Watched {
        events: events.collect(),
        back_at,
    }
}

fn with_ids(events: &[(Duration, Event)]) -> impl Iterator<Item = (Duration, u64)> {
    let published = events.iter().filter(|(_, event)| event.id.is_some());
    published.map(|(at, event)| (*at, nth(event)))
}

#[tokio::test(start_paused = true)]
async fn a_new_page_begins_with_what_happened_lately() {
    let app = new_app().await;
    post(&app, "/orders/a-1/simulate").await.expect_status(202);
    for n in 0..30 {
        let notification = format!(r#"{{"type":"n","data":{n}}}"#);
        post_json(&app, "/api/notifications", notification)
            .await
            .expect_status(200);
    }
    tokio::time::sleep(millis(20_500)).await;
    let mut sse = sse_testkit::get(app, "/sse/live").await;
    let events = sse.collect_for(millis(100)).await;
    let count = |name| events.iter().filter(|event| event.event == name).count();
    assert_eq!(count("stockUpdate"), 25, "the latest five of each symbol");
    assert_eq!(count("order-update"), 6);
    assert_eq!(count("notification"), 25, "the latest ones");
    assert_eq!(count("caught-up"), 1);
    assert_eq!(count("stats"), 1);
    let names: Vec<&str> = events.iter().map(|event| &*event.event).collect();
    assert_eq!(names[56..], ["caught-up", "stats"]);
}

#[tokio::test(start_paused = true)]
async fn stats_count_the_open_streams_and_what_the_hub_does() {
    let app = new_app().await;
    let mut stats = sse_testkit::get(app.clone(), "/sse/stats").await;
    stats.expect_header("content-type", "application/json");
    let all: Value = stats.body_json().await;
    let expected = json!({
        "node": "local",
        "connections": 0,
        "peak": 0,
        "max": 1000,
        "rejected": 0,
        "hub": {
            "topics": 1,
            "subscribers": 0,
            "published": 5,
            "delivered": 0,
            "lagged": 0,
            "replayed": 0,
            "gaps": 0,
            "historyBytes": all["hub"]["historyBytes"],
        },
    });
    assert_eq!(all, expected);

    let one = sse_testkit::get(app.clone(), "/sse/time").await;
    let mut two = sse_testkit::get(app.clone(), "/stocks").await;
    two.collect(10).await;
    let mut three = sse_testkit::get(app.clone(), "/stocks")
        .last_event_id("from-elsewhere")
        .await;
    three.expect_event("gap").await;
    three.collect(10).await;
    drop(one);
    let mut stats = sse_testkit::get(app, "/sse/stats").await;
    let stats: Value = stats.body_json().await;
    assert_eq!(
        (&stats["connections"], &stats["peak"]),
        (&2.into(), &3.into())
    );
    let hub = &stats["hub"];
    assert!(hub["historyBytes"].as_u64().unwrap() > 10 * 100);
    let counts = [
        "topics",
        "subscribers",
        "published",
        "delivered",
        "replayed",
        "gaps",
        "lagged",
    ];
    let counts = counts.map(|name| hub[name].as_u64().unwrap());
    assert_eq!(counts, [1, 2, 10, 20, 5 + 10, 1, 0]);
}
