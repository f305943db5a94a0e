use serde_json::Value;

use crate::{millis, new_app, post, post_json};

#[tokio::test(start_paused = true)]
async fn one_stream_carries_prices_orders_notifications_and_stats() {
    let app = new_app();
    let mut sse = sse_testkit::get(app.clone(), "/sse/live").await;
    sse.collect_for(millis(500)).await;
    post(&app, "/orders/a-1/simulate").await.expect_status(202);
    let notification = r#"{"type":"deploy","data":"done"}"#;
    post_json(&app, "/api/notifications", notification)
        .await
        .expect_status(200);
    sse.collect_for(millis(1400)).await;
    insta::assert_snapshot!(sse.transcript());
}

#[tokio::test(start_paused = true)]
async fn the_stats_are_sent_every_two_seconds() {
    let mut sse = sse_testkit::get(new_app(), "/sse/live").await;
    let mut events = sse.collect_for(millis(7500)).await;
    events.retain(|event| event.event == "stats");
    assert_eq!(events.len(), 4, "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn one_id_resumes_all_feeds() {
    let app = new_app();
    let mut sse = sse_testkit::get(app.clone(), "/sse/live").await;
    let before = sse.collect_for(millis(1100)).await;
    sse.close();
    post(&app, "/orders/a-1/simulate").await.expect_status(202);
    tokio::time::sleep(millis(2000)).await;
    let notification = r#"{"type":"deploy","data":"done"}"#;
    post_json(&app, "/api/notifications", notification)
        .await
        .expect_status(200);
    let _ = sse.reconnect().await;
    let after = sse.collect_for(millis(1600)).await;

    let events = before.iter().chain(&after);
    let ids: Vec<u64> = events
        .filter_map(|event| event.id.as_ref()?.parse().ok())
        .collect();
    assert!(ids.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{ids:?}");
    let count = |name| after.iter().filter(|event| event.event == name).count();
    assert!(count("stockUpdate") >= 15);
    assert!(count("order-update") >= 2);
    assert_eq!(count("notification"), 1);
    assert_eq!(count("gap"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_new_page_begins_with_what_happened_lately() {
    let app = new_app();
    post(&app, "/orders/a-1/simulate").await.expect_status(202);
    for n in 0..12 {
        let notification = format!(r#"{{"type":"n","data":{n}}}"#);
        post_json(&app, "/api/notifications", notification)
            .await
            .expect_status(200);
    }
    tokio::time::sleep(millis(20_500)).await;
    let mut sse = sse_testkit::get(app, "/sse/live").await;
    let events = sse.collect_for(millis(100)).await;
    let count = |name| events.iter().filter(|event| event.event == name).count();
    assert_eq!(count("stockUpdate"), 5);
    assert_eq!(count("order-update"), 6);
    assert_eq!(count("notification"), 10, "the latest ten");
    assert_eq!(count("stats"), 1);
}

#[tokio::test(start_paused = true)]
async fn stats_count_the_open_streams() {
    let app = new_app();
    let mut stats = sse_testkit::get(app.clone(), "/sse/stats").await;
    stats.expect_header("content-type", "application/json");
    let expected = r#"{"connections":0,"peak":0,"max":1000,"rejected":0}"#;
    assert_eq!(stats.body_text().await, expected);

    let one = sse_testkit::get(app.clone(), "/sse/time").await;
    let two = sse_testkit::get(app.clone(), "/stocks").await;
    drop(one);
    let mut stats = sse_testkit::get(app, "/sse/stats").await;
    let stats: Value = stats.body_json().await;
    assert_eq!(
        (&stats["connections"], &stats["peak"]),
        (&1.into(), &2.into())
    );
    drop(two);
}
