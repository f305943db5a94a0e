//! The order in which messages are handed over.

use std::collections::BTreeSet;

use tokio::task::JoinSet;

use super::{
    Engines,
    failed::{Failed, ensure},
    scene::{LIMIT, Scene, ensure_same, numbered},
    seen::Message,
};
use crate::backplane::{Backplane, ReadLimit};

pub(super) async fn one_publisher_is_handed_over_in_order<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let nodes = [scene.node().await?, scene.node().await?];
    let topics = ["a", "b", "c", "d"];
    for node in &nodes {
        for topic in topics {
            node.listen(topic).await?;
        }
    }
    let mut expected = Vec::new();
    for n in 0..400 {
        let (topic, frame) = (topics[n % 4], numbered(n));
        let place = nodes[0].put(topic, &frame).await?;
        expected.push((place.sequence, topic, frame));
    }
    let at_least = nodes[0].put("a", "last").await?;
    expected.push((at_least.sequence, "a", "last".to_owned()));
    for node in &nodes {
        node.seen.until_has(at_least.sequence).await?;
        node.frontier(at_least).await?;
        let seen = node.seen.all();
        for (message, (sequence, topic, frame)) in seen.iter().zip(&expected) {
            ensure!(
                message.event.sequence == *sequence,
                "{} was handed over where {sequence} should have been",
                message.event.sequence
            );
            ensure!(
                message.topic == *topic && message.event.frame == frame.as_bytes(),
                "{sequence} was published to {topic} as {frame:?} and handed over as {message:?}"
            );
        }
        ensure!(
            seen.len() == expected.len(),
            "{} messages were handed over instead of {}",
            seen.len(),
            expected.len()
        );
    }
    Ok(())
}

pub(super) async fn many_publishers_are_seen_in_one_order<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    const NODES: usize = 4;
    const EACH: usize = 200;
    let topics = ["a", "b", "c"];
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        let node = scene.node().await?;
        for topic in topics {
            node.listen(topic).await?;
        }
        nodes.push(node);
    }
    let mut publishers = JoinSet::new();
    for (publisher, node) in nodes.iter().enumerate() {
        let node = node.clone();
        publishers.spawn(async move {
            let mut published = Vec::new();
            for n in 0..EACH {
                let (topic, frame) = (topics[n % 3], format!("{publisher} {n}"));
                let place = node.put(topic, &frame).await?;
                published.push((place.sequence, topic, frame));
                tokio::task::yield_now().await;
            }
            Ok::<_, Failed>(published)
        });
    }
    let mut expected = Vec::new();
    while let Some(published) = publishers.join_next().await {
        let published = published??;
        ensure!(
            published.is_sorted_by_key(|(sequence, ..)| *sequence),
            "the numbers of one publisher do not increase"
        );
        expected.extend(published);
    }
    expected.sort_unstable();
    for pair in expected.windows(2) {
        ensure!(
            pair[0].0 != pair[1].0,
            "the number {} was given twice",
            pair[0].0
        );
    }
    let last = expected.last().map_or(0, |(sequence, ..)| *sequence);
    for node in &nodes {
        node.seen.until_has(last).await?;
        let told = |message: &Message| {
            let frame = String::from_utf8_lossy(&message.event.frame).into_owned();
            (message.event.sequence, message.topic.clone(), frame)
        };
        let seen: Vec<_> = node.seen.all().iter().map(told).collect();
        for (seen, expected) in seen.iter().zip(&expected) {
            let is_same =
                (seen.0, seen.1.as_str(), &seen.2) == (expected.0, expected.1, &expected.2);
            ensure!(
                is_same,
                "{seen:?} was handed over where {expected:?} should have been"
            );
        }
        ensure!(
            seen.len() == NODES * EACH,
            "{} messages were handed over instead of {}",
            seen.len(),
            NODES * EACH
        );
        for topic in topics {
            let of_topic: Vec<_> = expected
                .iter()
                .filter(|(_, of, _)| *of == topic)
                .map(|(sequence, _, frame)| (*sequence, frame.clone()))
                .collect();
            let (missing, read) = node.read_all(topic, 0, LIMIT).await?;
            ensure!(missing.is_none(), "up to {missing:?} is missing");
            ensure_same("read", &read, &of_topic)?;
        }
    }
    Ok(())
}

pub(super) async fn calls_at_once_get_their_own_answers<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    const CALLS: usize = 300;
    let node = scene.node().await?;
    node.listen("0").await?;
    let mut calls = JoinSet::new();
    for n in 0..CALLS {
        let node = node.clone();
        calls.spawn(async move {
            let (topic, frame) = ((n % 20).to_string(), numbered(n));
            let place = node.put(&topic, &frame).await?;
            let limit = ReadLimit { events: 1, ..LIMIT };
            let page = node
                .page(&topic, place.sequence.saturating_sub(1), limit)
                .await?;
            let read = page.messages.first();
            ensure!(
                read.is_some_and(|read| {
                    read.sequence == place.sequence && read.frame == frame.as_bytes()
                }),
                "{frame:?} was published to {topic:?} at {place:?}, where {read:?} was read"
            );
            let newest = node.newest(&topic, limit).await?.messages;
            let newest = newest.last().map_or(0, |newest| newest.sequence);
            ensure!(
                newest >= place.sequence,
                "{place:?} was published, and then the newest of its topic is {newest}"
            );
            Ok(place.sequence)
        });
    }
    let mut given = BTreeSet::new();
    while let Some(sequence) = calls.join_next().await {
        given.insert(sequence??);
    }
    ensure!(
        given.len() == CALLS,
        "{CALLS} calls at once published at {} places",
        given.len()
    );
    node.seen.until_count(CALLS / 20).await
}
