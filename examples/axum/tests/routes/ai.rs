use std::collections::HashSet;

use axum::Router;
use serde::Deserialize;
use serde_json::{Value, json};
use sse_testkit::{Event, Reconnect};

use crate::{Gap, id, new_app, post_json, secs, seen};

const ASK: &str = "/api/ai/answers";
const URI: &str = "/sse/ai/stream?prompt=What%20is%20SSE%3F";
const PROMPT: &str = "What is SSE?";

#[derive(Debug, Deserialize)]
struct Accepted {
    id: String,
    stream: String,
}

#[tokio::test(start_paused = true)]
async fn an_answer_comes_token_by_token_and_is_done() {
    let mut sse = sse_testkit::get(new_app().await, URI).await;
    sse.collect_to_end().await;
    insta::assert_snapshot!(sse.transcript().redact_json("id", "[id]"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_asked_for_once_and_read_wherever_it_is_wanted() {
    let app = new_app().await;
    let answer = ask(&app, PROMPT).await;
    assert_eq!(answer.stream, format!("/sse/ai/answers/{}", answer.id));
    let mut one = sse_testkit::get(app.clone(), &answer.stream).await;
    let mut events = one.collect(5).await;
    // In the middle of it, and when it is done.
    let mut another = sse_testkit::get(app.clone(), &answer.stream).await;
    events.extend(one.collect_to_end().await);
    let mut late = sse_testkit::get(app.clone(), &answer.stream).await;
    assert_eq!(seen(&another.collect_to_end().await), seen(&events));
    assert_eq!(seen(&late.collect_to_end().await), seen(&events));

    let begun: Value = events[0].json();
    assert_eq!(
        (&*events[0].event, begun),
        ("answer", json!({ "id": answer.id, "prompt": PROMPT }))
    );
    let asked_directly = sse_testkit::get(app, URI).await.collect_to_end().await;
    assert_eq!(text(&asked_directly), text(&events));
}

#[tokio::test(start_paused = true)]
async fn an_answer_goes_on_while_nobody_reads_it() {
    let app = new_app().await;
    let whole = text(
        &sse_testkit::get(app.clone(), URI)
            .await
            .collect_to_end()
            .await,
    );
    for uri in [URI, &*ask(&app, PROMPT).await.stream] {
        let mut sse = sse_testkit::get(app.clone(), uri).await;
        let mut events = sse.collect(7).await;
        let cut_at = sse.elapsed();
        sse.close();
        assert!(matches!(sse.reconnect().await, Reconnect::Open));
        let back_at = sse.elapsed();
        assert!(back_at - cut_at >= secs(2), "longer than the answer takes");
        events.extend(sse.collect_to_end().await);
        assert_eq!(text(&events), whole);
        assert_eq!(sse.elapsed(), back_at, "the rest was there at once");
        assert!(matches!(sse.reconnect().await, Reconnect::Stopped));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_picked_up_wherever_it_was_left() {
    let app = new_app().await;
    let whole = sse_testkit::get(app.clone(), URI)
        .await
        .collect_to_end()
        .await;
    for before_the_cut in 1..whole.len() {
        let mut sse = sse_testkit::get(app.clone(), URI).await;
        let mut events = sse.collect(before_the_cut).await;
        let last = events.last().unwrap().id.clone().unwrap();
        sse.close();
        // Back before it is done.
        let mut sse = sse_testkit::get(app.clone(), URI).last_event_id(last).await;
        events.extend(sse.collect_to_end().await);
        assert_eq!(events.len(), whole.len());
        assert_eq!(text(&events), text(&whole), "left behind {before_the_cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_the_same_gets_an_answer_of_its_own() {
    let app = new_app().await;
    let mut one = sse_testkit::get(app.clone(), URI).await;
    let mut another = sse_testkit::get(app.clone(), URI).await;
    let (mut of_one, mut of_another) = (one.collect(9).await, another.collect(3).await);
    assert_ne!(of_one[0].data, of_another[0].data);

    // Each comes back to its own.
    for (sse, events) in [(&mut one, &mut of_one), (&mut another, &mut of_another)] {
        assert!(matches!(sse.reconnect().await, Reconnect::Open));
        events.extend(sse.collect_to_end().await);
    }
    assert_eq!(text(&of_one), text(&of_another));
}

#[tokio::test(start_paused = true)]
async fn nobody_can_guess_which_answers_there_are() {
    let app = new_app().await;
    let mut ids = HashSet::new();
    for _ in 0..20 {
        let Accepted { id, .. } = ask(&app, PROMPT).await;
        assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        ids.insert(id);
    }
    assert_eq!(ids.len(), 20);
    let of_another_run = ask(&new_app().await, PROMPT).await.id;
    assert!(!ids.contains(&of_another_run));

    // The id of an event finds an answer only for who has the same prompt.
    let mut answer = sse_testkit::get(app.clone(), URI).await;
    let event = answer.collect(2).await[1].id.clone().unwrap();
    for (uri, status) in [(URI, 200), ("/sse/ai/stream?prompt=hi", 404)] {
        let back = sse_testkit::get(app.clone(), uri).last_event_id(&event);
        back.await.expect_status(status);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_there_is_not_found() {
    let app = new_app().await;
    let answer = ask(&app, PROMPT).await;
    for last_event_id in [id(5), "0000000000000def-7".into(), "x".into()] {
        let mut back = sse_testkit::get(app.clone(), URI)
            .last_event_id(last_event_id)
            .await;
        back.expect_status(404);
        assert!(back.body_json::<Value>().await["error"].is_string());
    }
    for id in ["0123456789abcdef", "%ff", "%0a"] {
        let mut gone = sse_testkit::get(app.clone(), format!("/sse/ai/answers/{id}")).await;
        assert!(gone.status().is_client_error(), "{id}");
        assert!(gone.body_json::<Value>().await["error"].is_string());
    }
    sse_testkit::get(app.clone(), &answer.stream)
        .await
        .expect_status(200);

    // It is not kept for ever.
    tokio::time::sleep(secs(11 * 60)).await;
    sse_testkit::get(app, &answer.stream)
        .await
        .expect_status(404);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_which_the_beginning_is_not_kept_begins_with_a_gap() {
    let app = crate::app(example_axum::Config {
        history: 10,
        ..crate::config()
    })
    .await;
    let answer = ask(&app, PROMPT).await;
    tokio::time::sleep(secs(3)).await;
    let mut sse = sse_testkit::get(app, &answer.stream).await;
    let gap: Gap = sse.expect_event("gap").await.json();
    assert_eq!(gap, Gap::new("evicted", Some(25)));
    assert_eq!(sse.collect_to_end().await.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn no_more_answers_are_made_than_a_node_can_see_to() {
    let app = new_app().await;
    let first = ask(&app, PROMPT).await;
    for n in 1..1000 {
        ask(&app, &format!("{n}?")).await;
    }
    // All are being made, and none can be forgotten.
    let question = json!({ "prompt": PROMPT }).to_string();
    let refused = post_json(&app, ASK, &*question).await;
    refused.expect_status(503);
    sse_testkit::get(app.clone(), URI).await.expect_status(503);
    tokio::time::sleep(secs(3)).await;
    sse_testkit::get(app.clone(), &first.stream)
        .await
        .expect_status(200);
    ask(&app, PROMPT).await;
    // That one made room, and is kept by the hub for as long as all else.
    sse_testkit::get(app, &first.stream)
        .await
        .expect_status(200);
}

#[tokio::test(start_paused = true)]
async fn an_answer_needs_a_prompt() {
    let app = new_app().await;
    let long = "x".repeat(4001);
    for body in [
        json!({}),
        json!({ "prompt": " " }),
        json!({ "prompt": long }),
    ] {
        let mut answer = post_json(&app, ASK, body.to_string()).await;
        answer.expect_status(400);
        assert!(answer.body_json::<Value>().await["error"].is_string());
    }
    let refused = post_json(&app, ASK, r#"{"prompt":7}"#).await;
    refused.expect_status(422);
    let long = format!("/sse/ai/stream?prompt={long}");
    for uri in [
        "/sse/ai/stream",
        "/sse/ai/stream?prompt=",
        "/sse/ai/stream?prompt=%20",
        &long,
    ] {
        let mut answer = sse_testkit::get(app.clone(), uri).await;
        answer
            .expect_status(400)
            .expect_header("content-type", "application/json");
        let error: Value = answer.body_json().await;
        assert!(
            error["error"].as_str().unwrap().starts_with("prompt: "),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_prompt_can_not_break_out_of_its_event() {
    let uri = "/sse/ai/stream?prompt=a%0Adata%3A%20x%0A%0Aevent%3A%20y%00%E2%80%A8";
    let mut sse = sse_testkit::get(new_app().await, uri).await;
    for event in sse.collect_to_end().await {
        assert!(
            ["answer", "token", "done"].contains(&event.event.as_str()),
            "{event:?}"
        );
    }
}

async fn ask(app: &Router, prompt: &str) -> Accepted {
    let question = json!({ "prompt": prompt }).to_string();
    let mut accepted = post_json(app, ASK, question).await;
    accepted.expect_status(202);
    accepted.body_json().await
}

/// What a whole answer says.
fn text(events: &[Event]) -> String {
    let [answer, tokens @ .., done] = events else {
        panic!("{events:?}");
    };
    assert_eq!(answer.event, "answer");
    assert_eq!(done.event, "done");
    assert_eq!(done.json::<Value>(), json!({ "token": "", "done": true }));
    tokens
        .iter()
        .map(|event| event.json::<Value>()["token"].as_str().unwrap().to_owned())
        .collect()
}
