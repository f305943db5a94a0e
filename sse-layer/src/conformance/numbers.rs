//! Numbers, which are the same everywhere.

use tokio::task::JoinSet;

use super::{
    Engines,
    failed::{Failed, ensure},
    scene::{BOUNDS, LIMIT, Scene, ensure_chain, ensure_same, numbered, numbers},
};
use crate::backplane::Backplane;

pub(super) async fn numbers_increase_over_all_topics<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let nodes = [scene.node().await?, scene.node().await?];
    let mut last = nodes[0].put("0", "x").await?;
    ensure!(last.sequence > 0, "the first number is 0");
    for round in 0..100 {
        let topic = (round % 7).to_string();
        let place = nodes[round % 2].put(&topic, "x").await?;
        ensure!(
            place.epoch == last.epoch,
            "the epoch was {} and is {}",
            last.epoch,
            place.epoch
        );
        ensure!(
            place.sequence > last.sequence,
            "{} comes after {}",
            place.sequence,
            last.sequence
        );
        last = place;
    }
    Ok(())
}

pub(super) async fn every_node_has_the_same_numbers<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let (here, there) = (scene.node().await?, scene.node().await?);
    there.listen("t").await?;
    let mut expected = Vec::new();
    let mut epoch = 0;
    for n in 0..20 {
        let frame = numbered(n);
        let place = here.put("t", &frame).await?;
        epoch = place.epoch;
        expected.push((place.sequence, frame));
    }
    there.seen.until_count(expected.len()).await?;
    ensure_same("handed over", &there.seen.of("t"), &expected)?;
    for message in there.seen.all() {
        ensure!(
            message.epoch == epoch,
            "published in the epoch {epoch}, handed over in {}",
            message.epoch
        );
    }
    for node in [here, there] {
        let page = node.page("t", 0, LIMIT).await?;
        ensure!(
            page.epoch == epoch,
            "published in the epoch {epoch}, read in {}",
            page.epoch
        );
        ensure_same("read", &page.messages, &expected)?;
    }
    Ok(())
}

pub(super) async fn nodes_that_begin_at_once_agree<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    const NODES: usize = 10;
    let mut beginning = JoinSet::new();
    for n in 0..NODES {
        let node = scene.node_to_open().await?;
        beginning.spawn(async move {
            node.open(BOUNDS).await?;
            node.listen("t").await?;
            let place = node.put("t", &numbered(n)).await?;
            Ok::<_, Failed>((node, place))
        });
    }
    let mut nodes = Vec::new();
    let mut places = Vec::new();
    while let Some(begun) = beginning.join_next().await {
        let (node, place) = begun??;
        nodes.push(node);
        places.push(place);
    }
    places.sort_unstable_by_key(|place| place.sequence);
    let differ = places
        .windows(2)
        .find(|pair| pair[0].epoch != pair[1].epoch || pair[0].sequence == pair[1].sequence);
    ensure!(
        differ.is_none(),
        "nodes began at once, and published at {differ:?}"
    );
    let expected: Vec<u64> = places.iter().map(|place| place.sequence).collect();
    for node in nodes {
        let (_, read) = node.read_all("t", 0, LIMIT).await?;
        ensure!(
            numbers(&read) == expected,
            "nodes began at once, and of {expected:?} one has read {:?}",
            numbers(&read)
        );
        node.seen.until_has(expected[NODES - 1]).await?;
    }
    Ok(())
}

pub(super) async fn each_event_tells_the_one_before_it_in_its_topic<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let (here, there) = (scene.node().await?, scene.node().await?);
    let topics = ["a", "b", "c"];
    for topic in topics {
        there.listen(topic).await?;
    }
    for n in 0..60 {
        here.put(topics[n * n % 3], &numbered(n)).await?;
    }
    here.put("b", "x").await?;
    here.put("c", "x").await?;
    there.seen.until_count(62).await?;
    for topic in topics {
        ensure_chain("handed over", 0, &there.seen.of(topic))?;
        let (_, read) = there.read_all(topic, 0, LIMIT).await?;
        ensure_chain("read", 0, &read)?;
        if let Some(first) = read.first() {
            let page = there.page(topic, first.sequence, LIMIT).await?;
            ensure_chain("read from the second on", first.sequence, &page.messages)?;
        }
        let newest = there.newest(topic, LIMIT).await?;
        ensure_chain("the newest", 0, &newest.messages)?;
    }
    Ok(())
}

pub(super) async fn a_later_node_goes_on<E: Engines>(scene: &Scene<'_, E>) -> Result<(), Failed> {
    let mut expected = Vec::new();
    let mut last = None;
    for generation in 0..3 {
        let node = scene.node().await?;
        let (missing, read) = node.read_all("t", 0, LIMIT).await?;
        ensure!(missing.is_none(), "up to {missing:?} is missing");
        ensure_same("read by a later node", &read, &expected)?;
        for n in 0..5 {
            let frame = numbered(generation * 10 + n);
            let place = node.put("t", &frame).await?;
            let before = last.get_or_insert(place);
            ensure!(
                place.epoch == before.epoch,
                "a later node has the epoch {} instead of {}",
                place.epoch,
                before.epoch
            );
            expected.push((place.sequence, frame));
        }
        ensure!(
            expected.is_sorted(),
            "the numbers of a later node do not go on: {expected:?}"
        );
    }
    Ok(())
}
