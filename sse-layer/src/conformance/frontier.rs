//! Up to where all has been handed over.

use tokio::task::JoinSet;

use super::{
    Engines,
    failed::{Failed, ensure},
    scene::{Scene, numbers, turn},
};
use crate::backplane::{Backplane, Place};

/// Before everything.
const NOWHERE: Place = Place {
    epoch: 0,
    sequence: 0,
};

pub(super) async fn the_frontier_is_behind_what_was_published<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let (here, there) = (scene.node().await?, scene.node().await?);
    let beginning = there.frontier(NOWHERE).await?;
    for round in 0..50 {
        let place = here.put(&(round % 5).to_string(), "x").await?;
        ensure!(
            beginning.epoch == place.epoch && beginning.sequence < place.sequence,
            "before anything was published the frontier is {beginning:?}, and then {place:?} was"
        );
        for node in [&here, &there] {
            let frontier = node.frontier(NOWHERE).await?;
            ensure!(
                frontier.epoch == place.epoch && frontier.sequence >= place.sequence,
                "after {place:?} was published the frontier is {frontier:?}"
            );
        }
        there.listen(&(round % 7).to_string()).await?;
    }
    Ok(())
}

pub(super) async fn all_is_handed_over_up_to_the_frontier<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let (here, there) = (scene.node().await?, scene.node().await?);
    let topics = ["a", "b", "c"];
    for topic in topics {
        there.listen(topic).await?;
    }
    for round in 0..200 {
        let place = here.put(topics[round % 3], "x").await?;
        there.frontier(NOWHERE).await?;
        ensure!(
            there.seen.has(place.sequence),
            "{place:?} was published, then the frontier answered, and it was not handed over"
        );
    }
    let publisher = tokio::spawn(async move {
        let mut published = Vec::new();
        for round in 0..300 {
            published.push(here.put(topics[round % 3], "x").await?.sequence);
            tokio::task::yield_now().await;
        }
        Ok::<_, Failed>(published)
    });
    let mut answers = Vec::new();
    while !publisher.is_finished() {
        let frontier = there.frontier(NOWHERE).await?;
        answers.push((frontier.sequence, there.seen.count()));
        turn(answers.len()).await;
    }
    let last = publisher.await??.last().copied().unwrap_or(0);
    there.seen.until_has(last).await?;
    let seen: Vec<u64> = there
        .seen
        .all()
        .iter()
        .map(|message| message.event.sequence)
        .collect();
    for (frontier, count) in answers {
        let late = seen[count..].iter().find(|sequence| **sequence <= frontier);
        ensure!(
            late.is_none(),
            "{late:?} was handed over after the frontier {frontier} was answered"
        );
    }
    Ok(())
}

pub(super) async fn frontiers_never_go_back<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let node = scene.node().await?;
    let mut last = NOWHERE;
    for round in 0..20 {
        let mut asked = JoinSet::new();
        for _ in 0..200 {
            let node = node.clone();
            asked.spawn(async move { node.frontier(last).await });
        }
        let place = node.put("t", "x").await?;
        let mut highest = place;
        while let Some(frontier) = asked.join_next().await {
            let frontier = frontier??;
            ensure!(
                round == 0 || frontier.epoch == last.epoch && frontier.sequence >= last.sequence,
                "the frontier was {last:?}, and then {frontier:?}"
            );
            if frontier.sequence > highest.sequence {
                highest = frontier;
            }
        }
        last = highest;
    }
    Ok(())
}

pub(super) async fn numbers_go_on_behind_a_place<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let node = scene.node().await?;
    node.listen("t").await?;
    let mut published = vec![node.put("t", "x").await?];
    let elsewhere = Place {
        epoch: published[0].epoch ^ 1,
        sequence: u64::MAX / 2,
    };
    let frontier = node.frontier(elsewhere).await?;
    ensure!(
        frontier.epoch == published[0].epoch && frontier.sequence < elsewhere.sequence,
        "behind {elsewhere:?}, which is in another epoch than {:?}, the frontier is {frontier:?}",
        published[0]
    );
    published.push(node.put("t", "x").await?);
    let at_least = Place {
        sequence: published[1].sequence.saturating_add(1_000_000_000),
        ..published[1]
    };
    let frontier = node.frontier(at_least).await?;
    published.push(node.put("t", "x").await?);
    let next = published[2];
    ensure!(
        frontier.epoch == next.epoch && frontier.sequence < next.sequence,
        "the frontier is {frontier:?}, and {next:?} was published afterwards"
    );
    if scene.engines.goes_on_behind() {
        ensure!(
            frontier.sequence >= at_least.sequence,
            "the frontier should be at least {at_least:?}, and is {frontier:?}"
        );
    }
    node.seen.until_has(next.sequence).await?;
    let expected: Vec<u64> = published.iter().map(|place| place.sequence).collect();
    let seen = numbers(&node.seen.of("t"));
    ensure!(
        seen == expected,
        "{expected:?} was published and {seen:?} handed over"
    );
    Ok(())
}
