//! Several nodes on one hub. They are in one process here, and share what an engine would bring to
//! each of them.

use axum::Router;
use serde_json::Value;
use sse_testkit::Reconnect;

use crate::{EPOCH, config, millis, post, post_json, secs, seen};

/// Three of them, which see each other's events.
async fn nodes() -> [Router; 3] {
    let hub = config().hub().epoch(EPOCH).build();
    [
        example_axum::app(config(), hub.clone()).await,
        example_axum::app(config(), hub.clone()).await,
        example_axum::app(config(), hub).await,
    ]
}

#[tokio::test(start_paused = true)]
async fn each_price_is_published_once_on_however_many_nodes() {
    let [one, two, three] = nodes().await;
    let mut viewers = [
        sse_testkit::get(one, "/stocks").await,
        sse_testkit::get(two, "/stocks").await,
        sse_testkit::get(three, "/stocks").await,
    ];
    let mut all = Vec::new();
    for viewer in &mut viewers {
        all.push(viewer.collect_for(millis(100_500)).await);
    }
    // A tick each second, and the one that each of them begins with.
    assert_eq!(all[0].len(), 5 * 101);
    let tick = |price: &sse_testkit::Event| price.json::<Value>()["tick"].as_u64().unwrap();
    let ticks: Vec<_> = all[0].iter().map(tick).collect();
    assert_eq!(
        ticks,
        (0..=100).flat_map(|tick| [tick; 5]).collect::<Vec<_>>()
    );
    assert_eq!(seen(&all[0][..500]), seen(&all[1][..500]));
    assert_eq!(seen(&all[0][..500]), seen(&all[2][..500]));
}

#[tokio::test(start_paused = true)]
async fn an_order_is_one_whichever_node_is_asked() {
    let [one, two, three] = nodes().await;
    let mut early = sse_testkit::get(two.clone(), "/orders/1/stream").await;
    post(&one, "/orders/1/simulate").await.expect_status(202);
    post(&two, "/orders/1/simulate").await.expect_status(409);
    let mut late = sse_testkit::get(three.clone(), "/orders/1/stream").await;
    let steps = early.collect_to_end().await;
    assert_eq!(steps.len(), 6);
    assert_eq!(seen(&late.collect_to_end().await), seen(&steps));
    let mut back = sse_testkit::get(three.clone(), "/orders/1/stream")
        .last_event_id(steps[2].id.clone().unwrap())
        .await;
    assert_eq!(seen(&back.collect_to_end().await), seen(&steps[3..]));
    assert!(matches!(back.reconnect().await, Reconnect::Stopped));

    // Each step came once to those who see all orders, too.
    let mut all = sse_testkit::get(three.clone(), "/sse/live").await;
    let mut events = all.collect_for(secs(1)).await;
    events.retain(|event| event.event == "order-update");
    assert_eq!(events.len(), 6);

    // It can be ordered again anywhere, and is seen from its own beginning everywhere.
    post(&three, "/orders/1/simulate").await.expect_status(202);
    let mut again = sse_testkit::get(one, "/orders/1/stream").await;
    let again = again.collect_to_end().await;
    assert_eq!(again.len(), 6);
    assert_ne!(seen(&again), seen(&steps));
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_found_on_every_node() {
    let [one, two, three] = nodes().await;
    let uri = "/sse/ai/stream?prompt=hi";
    let mut reader = sse_testkit::get(one, uri).await;
    let mut events = reader.collect(4).await;
    reader.close();
    let last = events[3].id.clone().unwrap();
    // By an event of it...
    let mut reader = sse_testkit::get(two, uri).last_event_id(last).await;
    events.extend(reader.collect_to_end().await);
    assert_eq!(events.last().unwrap().event, "done");
    // ... and by its id.
    let id = events[0].json::<Value>()["id"].as_str().unwrap().to_owned();
    let mut reader = sse_testkit::get(three.clone(), format!("/sse/ai/answers/{id}")).await;
    assert_eq!(seen(&reader.collect_to_end().await), seen(&events));
    assert!(matches!(reader.reconnect().await, Reconnect::Stopped));
    sse_testkit::get(three, "/sse/ai/answers/0123456789abcdef")
        .await
        .expect_status(404);
}

#[tokio::test(start_paused = true)]
async fn a_notification_reaches_the_clients_of_all_nodes() {
    let [one, two, three] = nodes().await;
    let mut clients = [
        sse_testkit::get(one.clone(), "/sse/notifications").await,
        sse_testkit::get(two, "/sse/notifications").await,
        sse_testkit::get(three, "/sse/notifications").await,
    ];
    post_json(&one, "/api/notifications", r#"{"type":"deploy","data":1}"#)
        .await
        .expect_status(200);
    for client in &mut clients {
        client.expect_event("deploy").text("1").await;
    }
}
