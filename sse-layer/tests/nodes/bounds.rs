//! What a node holds is bounded, whatever the engine does.

use super::*;

#[tokio::test(start_paused = true)]
async fn ten_thousand_topics_are_opened_together() {
    let [(one, engine), (two, _)] = nodes().await;
    engine.answer_after(Duration::from_millis(10));
    let begun = tokio::time::Instant::now();
    let mut clients: Vec<_> = (0..10_000)
        .map(|n| one.subscribe(&format!("topic {n}")).unwrap().deliveries())
        .collect();
    for client in &mut clients {
        assert_eq!(told(client, 1).await, ["at"]);
    }
    // Three round trips for four thousand of them, not one for each.
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    for n in (0..10_000).step_by(1000) {
        publish(&two, &format!("topic {n}"), n).await;
        assert_eq!(told(&mut clients[n], 1).await, [n.to_string()]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_may_keep_nothing_serves_all_from_the_engine() {
    let [(one, _), (two, _)] = nodes_with(Hub::builder().max_history_bytes(0)).await;
    let mut client = opened(two.subscribe("news").unwrap()).await;
    let first = publish(&one, "news", "a").await;
    publish(&one, "news", "b").await;
    assert_eq!(told(&mut client, 2).await, ["a", "b"]);
    let mut back = two.subscribe("news").unwrap().after(first).deliveries();
    assert_eq!(told(&mut back, 1).await, ["b"]);
    assert_eq!(two.stats().history_bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn there_are_no_more_topics_than_there_may_be() {
    let [(one, _)] = nodes_with(Hub::builder().max_topics(2)).await;
    let clients = [one.subscribe("a").unwrap(), one.subscribe("b").unwrap()];
    assert!(one.subscribe("c").is_err());
    drop(clients);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(one.subscribe("c").is_ok());
    // To publish to a topic, a node need not know of it.
    for topic in ["d", "e", "f"] {
        publish(&one, topic, "x").await;
    }
}
