//! Publish keys.

use std::time::Duration;

use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{
    Engines,
    failed::{Failed, ensure},
    scene::{BOUNDS, LIMIT, Scene, numbers},
    seen::PATIENCE,
};
use crate::backplane::{Backplane, Bounds};

pub(super) async fn a_key_is_published_once<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let (here, there) = (scene.node().await?, scene.node().await?);
    there.listen("t").await?;
    let first = here.put_with("t", "first", Some("k")).await?;
    let between = here.put("t", "between").await?;
    for (who, node) in [("the same node", &here), ("another node", &there)] {
        let again = node.put_with("t", "again", Some("k")).await?;
        ensure!(
            again == first,
            "{first:?} was published again by {who}, at {again:?}"
        );
    }
    let other = here.put_with("t", "other", Some("other")).await?;
    let unkeyed = [here.put("t", "x").await?, here.put("t", "x").await?];
    let expected: Vec<u64> = [first, between, other, unkeyed[0], unkeyed[1]]
        .iter()
        .map(|place| place.sequence)
        .collect();
    ensure!(
        expected.is_sorted_by(|one, next| one < next),
        "events with other keys and without a key are taken for the same: {expected:?}"
    );
    there.seen.until_has(unkeyed[1].sequence).await?;
    let (_, read) = there.read_all("t", 0, LIMIT).await?;
    for (how, messages) in [("handed over", there.seen.of("t")), ("read", read)] {
        let numbers = numbers(&messages);
        ensure!(
            numbers == expected,
            "{expected:?} was published, and {numbers:?} {how}"
        );
        ensure!(
            messages[0].frame == "first",
            "the event that was first was replaced by one with the same key"
        );
    }
    Ok(())
}

pub(super) async fn a_key_from_many_nodes_is_one_event<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let mut nodes = Vec::new();
    for _ in 0..4 {
        nodes.push(scene.node().await?);
    }
    nodes[0].listen("t").await?;
    let mut expected = Vec::new();
    for round in 0..50 {
        let mut publishers = JoinSet::new();
        for node in nodes.iter().chain(&nodes) {
            let node = node.clone();
            publishers.spawn(async move {
                let key = round.to_string();
                node.put_with("t", "x", Some(&key)).await
            });
        }
        let mut places = Vec::new();
        while let Some(place) = publishers.join_next().await {
            places.push(place??);
        }
        let first = places[0];
        ensure!(
            places.iter().all(|place| *place == first),
            "one key at many nodes has the places {places:?}"
        );
        expected.push(first.sequence);
    }
    let last = nodes[0].put("t", "last").await?.sequence;
    expected.push(last);
    nodes[0].seen.until_has(last).await?;
    let (_, read) = nodes[1].read_all("t", 0, LIMIT).await?;
    for (how, messages) in [("handed over", nodes[0].seen.of("t")), ("read", read)] {
        ensure!(
            numbers(&messages) == expected,
            "{} events were published, and {} {how}",
            expected.len(),
            messages.len()
        );
    }
    Ok(())
}

pub(super) async fn a_key_is_its_topics_own<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let node = scene.node().await?;
    for (topic, key) in [
        ("a", "k"),
        ("b", "k"),
        ("a", "b"),
        ("b", "a"),
        ("a", "b:c"),
        ("a:b", "c"),
        ("a", "b.c"),
        ("a.b", "c"),
        ("a", "b/c"),
        ("a/b", "c"),
        ("a", "b c"),
        ("a b", "c"),
        ("a", "\0c"),
        ("a\0", "c"),
        ("ab", "c"),
        ("a", "bc"),
        ("1", "12"),
        ("11", "2"),
    ] {
        node.put_with(topic, "x", Some(key)).await?;
        let (_, read) = node.read_all(topic, 0, LIMIT).await?;
        let again = node.put_with(topic, "x", Some(key)).await?;
        ensure!(
            read.last().map(|message| message.sequence) == Some(again.sequence),
            "the key {key:?} in the topic {topic:?} is taken for one in another topic"
        );
    }
    let (_, read) = node.read_all("a", 0, LIMIT).await?;
    ensure!(
        read.len() == 8,
        "8 keys in a topic have made {} events",
        read.len()
    );
    Ok(())
}

pub(super) async fn keys_are_any_text<E: Engines>(scene: &Scene<'_, E>) -> Result<(), Failed> {
    let node = scene.node().await?;
    let long = ["x".repeat(255), "x".repeat(256), "é".repeat(128)];
    let keys = [
        " ", "  ", "a", "A", "a ", " a", "á", "a\u{301}", "a\nb", "a\r\nb", "a\rb", "a: b", "a\0",
        "a\0b", "{a}", "*", ">", "a.*", "%61", "%", "\"", "\\", "🦀", "0", "00", "-1", &long[0],
        &long[1], &long[2],
    ];
    let mut places = Vec::new();
    for key in keys {
        places.push(node.put_with("t", key, Some(key)).await?);
    }
    for (key, place) in keys.iter().zip(&places) {
        let again = node.put_with("t", key, Some(key)).await?;
        ensure!(
            again == *place,
            "the key {key:?} was published at {place:?} and again at {again:?}"
        );
    }
    let (_, read) = node.read_all("t", 0, LIMIT).await?;
    ensure!(
        read.len() == keys.len(),
        "{} keys have made {} events",
        keys.len(),
        read.len()
    );
    Ok(())
}

pub(super) async fn a_key_is_remembered_when_its_event_is_gone<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let bounds = Bounds {
        events: 1,
        ..BOUNDS
    };
    let node = scene.node_with(bounds).await?;
    let first = node.put_with("t", "x", Some("k")).await?;
    node.put_many("t", 10).await?;
    let again = node.put_with("t", "x", Some("k")).await?;
    ensure!(
        again == first,
        "{first:?} was published again at {again:?} once it was evicted"
    );
    Ok(())
}

pub(super) async fn keys_are_forgotten<E: Engines>(scene: &Scene<'_, E>) -> Result<(), Failed> {
    let keys = Duration::from_secs(2);
    let node = scene.node_with(Bounds { keys, ..BOUNDS }).await?;
    let began = Instant::now();
    let first = node.put_with("t", "x", Some("k")).await?;
    loop {
        let again = node.put_with("t", "x", Some("k")).await?;
        let elapsed = began.elapsed();
        if again != first {
            ensure!(
                elapsed >= keys * 9 / 10,
                "a key that is to be remembered for {keys:?} was forgotten after {elapsed:?}"
            );
            return Ok(());
        }
        ensure!(
            elapsed < PATIENCE,
            "a key that is to be remembered for {keys:?} is still known after {elapsed:?}"
        );
        sleep(Duration::from_millis(50)).await;
    }
}
