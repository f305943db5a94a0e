use serde_json::{Value, json};
use sse_testkit::Reconnect;

use crate::{Gap, id, millis, new_app, post, secs, seen};

const STATUSES: [&str; 6] = [
    "Created",
    "PaymentConfirmed",
    "Packed",
    "Shipped",
    "OutForDelivery",
    "Delivered",
];

#[tokio::test(start_paused = true)]
async fn an_order_goes_through_six_steps_and_its_stream_ends() {
    let app = new_app().await;
    let accepted = post(&app, "/orders/a-1/simulate").await;
    accepted.expect_status(202);
    let mut sse = sse_testkit::get(app, "/orders/a-1/stream").await;
    sse.collect(6).await;
    sse.expect_end().await;
    insta::assert_snapshot!(sse.transcript());
}

#[tokio::test(start_paused = true)]
async fn simulate_answers_where_to_look() {
    let app = new_app().await;
    let mut accepted = post(&app, "/orders/a-1/simulate").await;
    accepted.expect_status(202);
    let answer: Value = accepted.body_json().await;
    let expected = json!({
        "orderId": "a-1",
        "status": "Created",
        "stream": "/orders/a-1/stream",
    });
    assert_eq!(answer, expected);
}

#[tokio::test(start_paused = true)]
async fn a_stream_waits_for_an_order_that_is_not_there_yet() {
    let app = new_app().await;
    let mut sse = sse_testkit::get(app.clone(), "/orders/later/stream").await;
    sse.expect_status(200);
    sse.expect_no_event(secs(40)).await;
    post(&app, "/orders/another/simulate")
        .await
        .expect_status(202);
    sse.expect_no_event(secs(1)).await;
    post(&app, "/orders/later/simulate")
        .await
        .expect_status(202);
    let created: Value = sse.expect_event("order-update").await.json();
    assert_eq!(
        (&created["orderId"], &created["step"]),
        (&json!("later"), &json!(1))
    );
}

#[tokio::test(start_paused = true)]
async fn all_viewers_of_an_order_see_the_same() {
    let app = new_app().await;
    let mut waiting = sse_testkit::get(app.clone(), "/orders/1/stream").await;
    waiting.expect_id(id(5)).await;
    post(&app, "/orders/1/simulate").await.expect_status(202);
    let mut prompt = sse_testkit::get(app.clone(), "/orders/1/stream").await;
    tokio::time::sleep(secs(3)).await;
    let mut late = sse_testkit::get(app.clone(), "/orders/1/stream").await;
    // An order that travels at the same time is another one.
    post(&app, "/orders/2/simulate").await.expect_status(202);

    let steps = waiting.collect_to_end().await;
    assert_eq!(statuses(&steps), STATUSES);
    assert_eq!(seen(&prompt.collect_to_end().await), seen(&steps));
    assert_eq!(seen(&late.collect_to_end().await), seen(&steps));
}

#[tokio::test(start_paused = true)]
async fn a_viewer_cut_off_while_it_waited_sees_all_steps() {
    let app = new_app().await;
    let mut sse = sse_testkit::get(app.clone(), "/orders/1/stream").await;
    sse.expect_id(id(5)).await;
    sse.close();
    post(&app, "/orders/1/simulate").await.expect_status(202);
    tokio::time::sleep(secs(3)).await;
    assert!(matches!(sse.reconnect().await, Reconnect::Open));
    assert_eq!(statuses(&sse.collect_to_end().await), STATUSES);
}

#[tokio::test(start_paused = true)]
async fn a_late_viewer_first_gets_the_steps_so_far() {
    let app = new_app().await;
    post(&app, "/orders/1/simulate").await.expect_status(202);
    tokio::time::sleep(millis(3100)).await;
    let mut sse = sse_testkit::get(app, "/orders/1/stream").await;
    let events = sse.collect_for(millis(100)).await;
    assert_eq!(statuses(&events), STATUSES[..3]);
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_comes_back_gets_the_steps_it_missed() {
    for before_the_cut in 1..=5 {
        let app = new_app().await;
        post(&app, "/orders/1/simulate").await.expect_status(202);
        let mut sse = sse_testkit::get(app, "/orders/1/stream").await;
        let mut events = sse.collect(before_the_cut).await;
        sse.close();
        tokio::time::sleep(secs(4)).await;
        assert!(matches!(sse.reconnect().await, Reconnect::Open));
        events.extend(sse.collect_to_end().await);
        assert_eq!(statuses(&events), STATUSES, "cut behind {before_the_cut}");
        assert!(matches!(sse.reconnect().await, Reconnect::Stopped));
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_delivery_a_browser_is_told_not_to_come_back() {
    let app = new_app().await;
    post(&app, "/orders/1/simulate").await.expect_status(202);
    let mut sse = sse_testkit::get(app.clone(), "/orders/1/stream").await;
    let last = sse.collect_to_end().await.pop().unwrap();
    assert!(matches!(sse.reconnect().await, Reconnect::Stopped));

    // Who looks for the first time still sees all of it.
    let mut sse = sse_testkit::get(app.clone(), "/orders/1/stream").await;
    assert_eq!(statuses(&sse.collect_to_end().await), STATUSES);

    // Much later its steps are not kept any more, but that it was delivered is known.
    tokio::time::sleep(secs(11 * 60)).await;
    let late = sse_testkit::get(app.clone(), "/orders/1/stream").await;
    late.expect_status(204);
    let back = sse_testkit::get(app, "/orders/1/stream").last_event_id(last.id.unwrap());
    back.await.expect_status(204);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_sent_again_is_seen_from_its_own_beginning() {
    let app = new_app().await;
    post(&app, "/orders/1/simulate").await.expect_status(202);
    let mut viewer = sse_testkit::get(app.clone(), "/orders/1/stream").await;
    let mut first = viewer.collect(3).await;
    viewer.close();
    tokio::time::sleep(secs(8)).await;
    post(&app, "/orders/1/simulate").await.expect_status(202);

    // A new viewer has nothing to do with the order of before.
    let mut new = sse_testkit::get(app.clone(), "/orders/1/stream").await;
    let second = new.collect_to_end().await;
    assert_eq!(statuses(&second), STATUSES);
    assert!(matches!(new.reconnect().await, Reconnect::Stopped));

    // One of the first order sees how that went on, and then the second one.
    assert!(matches!(viewer.reconnect().await, Reconnect::Open));
    first.extend(viewer.collect_to_end().await);
    assert_eq!(statuses(&first), STATUSES);
    assert!(matches!(viewer.reconnect().await, Reconnect::Open));
    assert_eq!(seen(&viewer.collect_to_end().await), seen(&second));
    assert!(matches!(viewer.reconnect().await, Reconnect::Stopped));
}

#[tokio::test(start_paused = true)]
async fn an_id_from_before_a_restart_begins_with_a_gap_and_the_first_step() {
    let app = new_app().await;
    post(&app, "/orders/1/simulate").await.expect_status(202);
    let mut sse = sse_testkit::get(app, "/orders/1/stream")
        .last_event_id("0000000000000def-41")
        .await;
    let gap: Gap = sse.expect_event("gap").await.json();
    assert_eq!(gap, Gap::new("foreign", None));
    assert_eq!(statuses(&sse.collect_to_end().await), STATUSES);
}

#[tokio::test(start_paused = true)]
async fn an_order_on_its_way_is_not_sent_twice() {
    let app = new_app().await;
    post(&app, "/orders/1/simulate").await.expect_status(202);
    let mut second = post(&app, "/orders/1/simulate").await;
    second.expect_status(409);
    assert_eq!(
        second.body_text().await,
        r#"{"error":"order 1 is on its way"}"#
    );

    // It can be ordered again once it was delivered.
    tokio::time::sleep(secs(8)).await;
    post(&app, "/orders/1/simulate").await.expect_status(202);
}

#[tokio::test(start_paused = true)]
async fn orders_are_not_remembered_for_ever() {
    let app = new_app().await;
    for n in 0..1000 {
        post(&app, &format!("/orders/{n}/simulate"))
            .await
            .expect_status(202);
    }
    // All are on their way, and none can be forgotten.
    post(&app, "/orders/one-more/simulate")
        .await
        .expect_status(503);
    tokio::time::sleep(secs(8)).await;
    post(&app, "/orders/one-more/simulate")
        .await
        .expect_status(202);
    // The oldest made room: once its steps are not kept any more either, it is as if it were new.
    tokio::time::sleep(secs(11 * 60)).await;
    let mut sse = sse_testkit::get(app.clone(), "/orders/0/stream").await;
    sse.expect_no_event(secs(1)).await;
    let known = sse_testkit::get(app, "/orders/1/stream").await;
    known.expect_status(204);
}

#[tokio::test(start_paused = true)]
async fn an_order_id_that_is_none_is_refused() {
    let app = new_app().await;
    let long = "x".repeat(65);
    for id in ["a%20b", "%0a", "..%2f", "%ff", "caf%C3%A9", &long] {
        let mut answer = sse_testkit::get(app.clone(), format!("/orders/{id}/stream")).await;
        answer.expect_status(400);
        let error: Value = answer.body_json().await;
        assert!(error["error"].is_string(), "{id}: {error}");
        post(&app, &format!("/orders/{id}/simulate"))
            .await
            .expect_status(400);
    }
}

fn statuses(events: &[sse_testkit::Event]) -> Vec<String> {
    events
        .iter()
        .map(|event| event.json::<Value>()["status"].as_str().unwrap().to_owned())
        .collect()
}
