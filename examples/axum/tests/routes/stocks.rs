use example_axum::{Config, app};
use serde::Deserialize;

use crate::{config, millis, new_app, secs};

#[derive(Debug, Deserialize)]
struct Gap {
    reason: String,
    missed: Option<u64>,
}

#[tokio::test(start_paused = true)]
async fn the_price_of_each_symbol_comes_at_once_and_new_ones_with_every_tick() {
    let mut sse = sse_testkit::get(new_app(), "/stocks").await;
    sse.collect(15).await;
    insta::assert_snapshot!(sse.transcript());
}

#[tokio::test(start_paused = true)]
async fn the_pace_of_prices_can_be_set() {
    let tick = millis(200);
    let app = app(Config { tick, ..config() });
    let mut sse = sse_testkit::get(app, "/stocks").await;
    assert_eq!(sse.collect_for(millis(1100)).await.len(), 5 + 5 * 5);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_back_gets_what_it_missed_and_nothing_twice() {
    let app = new_app();
    let mut sse = sse_testkit::get(app.clone(), "/stocks").await;
    let mut ids: Vec<u64> = Vec::new();
    // Cut off in the middle of a tick, and away for some more.
    ids.extend(sse.collect(7).await.iter().map(id));
    sse.close();
    tokio::time::sleep(millis(3500)).await;
    let _ = sse.reconnect().await;
    ids.extend(sse.collect(40).await.iter().map(id));

    let first = ids[0];
    let expected: Vec<u64> = (first..first + 47).collect();
    assert_eq!(ids, expected);
}

#[tokio::test(start_paused = true)]
async fn the_id_may_come_as_a_query_parameter() {
    let app = new_app();
    let uri = "/stocks?lastEventId=1767225600003";
    let mut sse = sse_testkit::get(app.clone(), uri).await;
    sse.expect_event("stockUpdate").id("1767225600004").await;
    sse.expect_event("stockUpdate").id("1767225600005").await;
    sse.expect_event("stockUpdate").id("1767225600006").await;
}

#[tokio::test(start_paused = true)]
async fn who_was_away_for_too_long_is_told_of_the_gap_once() {
    let app = new_app();
    let mut sse = sse_testkit::get(app.clone(), "/stocks").await;
    sse.collect(5).await;
    sse.close();
    // 1000 messages are kept: 200 ticks of 5.
    tokio::time::sleep(secs(300)).await;
    let _ = sse.reconnect().await;
    let gap = sse.expect_event("gap").await;
    assert_eq!(gap.json::<Gap>().reason, "historyExceeded");
    assert_eq!(gap.json::<Gap>().missed, None);
    let kept = sse.collect(1000).await;
    assert_eq!(
        id(&gap) + 1,
        id(&kept[0]),
        "the gap ends where the kept begins"
    );
    let ids: Vec<u64> = kept.iter().map(id).collect();
    assert!(ids.windows(2).all(|pair| pair[0] + 1 == pair[1]));

    // Cut off right behind the gap, the client does not hear of it again.
    let mut sse = sse_testkit::get(app, "/stocks")
        .last_event_id(gap.id.as_deref().unwrap())
        .await;
    sse.expect_event("stockUpdate")
        .id(kept[0].id.as_deref().unwrap())
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_not_from_here_begins_with_a_gap_and_all_there_is() {
    let app = new_app();
    for unknown in ["41", "9999999999999", "a1b2", "-1", "18446744073709551616"] {
        let mut sse = sse_testkit::get(app.clone(), "/stocks")
            .last_event_id(unknown)
            .await;
        let gap: Gap = sse.expect_event("gap").id("1767225600000").await.json();
        assert_eq!(gap.reason, "unknownId", "{unknown}");
        sse.expect_event("stockUpdate").id("1767225600001").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_told_what_it_could_not_be_sent() {
    let app = new_app();
    let mut sse = sse_testkit::get(app, "/stocks").await;
    sse.collect(5).await;
    // Nothing reads in the meantime, so nothing is polled.
    tokio::time::sleep(secs(400)).await;
    let mut before_the_gap = 0;
    loop {
        let event = sse.expect_any_event().await;
        if event.event == "gap" {
            assert_eq!(event.json::<Gap>().reason, "historyExceeded");
            break;
        }
        before_the_gap += 1;
        assert!(before_the_gap < 2000, "no gap");
    }
    sse.expect_event("stockUpdate").await;
}

fn id(event: &sse_testkit::Event) -> u64 {
    event.id.as_ref().unwrap().parse().unwrap()
}
