use example_axum::Config;
use serde::Deserialize;
use sse_testkit::Event;

use crate::{Gap, app, config, id, millis, new_app, nth, secs};

#[derive(Debug, Deserialize)]
struct Price {
    symbol: String,
    tick: u64,
}

#[tokio::test(start_paused = true)]
async fn the_price_of_each_symbol_comes_at_once_and_new_ones_with_every_tick() {
    let mut sse = sse_testkit::get(new_app().await, "/stocks").await;
    sse.collect(15).await;
    insta::assert_snapshot!(sse.transcript());
}

#[tokio::test(start_paused = true)]
async fn the_pace_of_prices_can_be_set() {
    let tick = millis(200);
    let app = app(Config { tick, ..config() }).await;
    let mut sse = sse_testkit::get(app, "/stocks").await;
    assert_eq!(sse.collect_for(millis(1100)).await.len(), 5 + 5 * 5);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_back_gets_what_it_missed_and_nothing_twice() {
    let app = new_app().await;
    let mut sse = sse_testkit::get(app.clone(), "/stocks").await;
    // Cut off in the middle of a tick, and away for some more.
    let mut events = sse.collect(7).await;
    sse.close();
    tokio::time::sleep(millis(3500)).await;
    let _ = sse.reconnect().await;
    events.extend(sse.collect(40).await);

    let seen: Vec<u64> = events.iter().map(nth).collect();
    assert_eq!(seen, (1..=47).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_client_cut_off_anywhere_has_every_price_of_every_symbol() {
    for before_the_cut in 1..=16 {
        let mut sse = sse_testkit::get(new_app().await, "/stocks").await;
        let mut events = sse.collect(before_the_cut).await;
        sse.close();
        tokio::time::sleep(millis(2500)).await;
        let _ = sse.reconnect().await;
        events.extend(sse.collect(45 - before_the_cut).await);
        assert_eq!(ticks(&events, "ACME"), (0..9).collect::<Vec<_>>());
        for symbol in ["GLOBEX", "HOOLI", "INITECH", "UMBRELLA"] {
            assert_eq!(
                ticks(&events, symbol),
                ticks(&events, "ACME"),
                "{symbol}, cut behind event {before_the_cut}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_id_may_come_as_a_query_parameter() {
    let uri = format!("/stocks?lastEventId={}", id(3));
    let mut sse = sse_testkit::get(new_app().await, uri).await;
    for n in [4, 5, 6] {
        sse.expect_event("stockUpdate").id(id(n)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_was_away_for_too_long_is_told_of_the_gap_once() {
    let app = new_app().await;
    let mut sse = sse_testkit::get(app.clone(), "/stocks").await;
    sse.collect(5).await;
    sse.close();
    // 1000 messages are kept: 200 ticks of 5.
    tokio::time::sleep(secs(300)).await;
    let _ = sse.reconnect().await;
    let gap = sse.expect_event("gap").await;
    assert_eq!(gap.json::<Gap>(), Gap::new("evicted", None));
    let kept = sse.collect(1000).await;
    assert_eq!(
        nth(&gap) + 1,
        nth(&kept[0]),
        "the gap ends where the kept begins"
    );
    let seen: Vec<u64> = kept.iter().map(nth).collect();
    assert!(seen.windows(2).all(|pair| pair[0] + 1 == pair[1]));

    // Cut off right behind the gap, the client does not hear of it again.
    let mut sse = sse_testkit::get(app, "/stocks")
        .last_event_id(id(nth(&gap)))
        .await;
    sse.expect_event("stockUpdate").id(id(nth(&kept[0]))).await;
}

#[tokio::test(start_paused = true)]
async fn how_much_is_kept_can_be_set() {
    let app = app(Config {
        history: 20,
        ..config()
    })
    .await;
    let mut sse = sse_testkit::get(app, "/stocks").await;
    sse.collect(5).await;
    sse.close();
    tokio::time::sleep(secs(10)).await;
    let _ = sse.reconnect().await;
    let gap: Gap = sse.expect_event("gap").id(id(40)).await.json();
    assert_eq!(gap, Gap::new("evicted", None));
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_not_from_here_begins_with_a_gap_and_all_there_is() {
    let app = new_app().await;
    let not_given_out_yet = id(1_000_000);
    for (last_event_id, reason) in [
        ("0000000000000def-3", "foreign"),
        ("41", "unknown"),
        ("a1b2", "unknown"),
        ("-1", "unknown"),
        (&not_given_out_yet, "unknown"),
    ] {
        let mut sse = sse_testkit::get(app.clone(), "/stocks")
            .last_event_id(last_event_id)
            .await;
        let gap: Gap = sse.expect_event("gap").id(id(0)).await.json();
        assert_eq!(gap, Gap::new(reason, None), "{last_event_id}");
        sse.expect_event("stockUpdate").id(id(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_told_what_it_could_not_be_sent() {
    let app = new_app().await;
    let mut sse = sse_testkit::get(app, "/stocks").await;
    sse.collect(5).await;
    // Nothing reads in the meantime, so nothing is polled.
    tokio::time::sleep(secs(400)).await;
    let mut prices = 5;
    let gap: Gap = loop {
        let event = sse.expect_any_event().await;
        if event.event == "gap" {
            assert!(nth(&event) < 2005);
            break event.json();
        }
        prices += 1;
        assert!(prices < 2005, "no gap");
    };
    assert_eq!(gap.reason, "lagged");
    // With those it was told of, it knows of every price.
    while sse.elapsed() < secs(401) {
        sse.expect_event("stockUpdate").await;
        prices += 1;
    }
    assert_eq!(prices + gap.missed.unwrap(), 5 * 401 + 1);
}

/// The ticks of a symbol, in the order in which they came.
fn ticks(events: &[Event], symbol: &str) -> Vec<u64> {
    let prices = events.iter().map(Event::json::<Price>);
    prices
        .filter(|price| price.symbol == symbol)
        .map(|price| price.tick)
        .collect()
}
