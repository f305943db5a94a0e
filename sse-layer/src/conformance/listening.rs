//! Listening to topics.

use std::collections::BTreeSet;

use tokio::{task::JoinSet, time::Instant};

use super::{
    Engines,
    failed::{Failed, ensure},
    scene::{LIMIT, Scene, numbers, turn},
    seen::PATIENCE,
};
use crate::backplane::{Backplane, Place};

/// Before everything.
const NOWHERE: Place = Place {
    epoch: 0,
    sequence: 0,
};

pub(super) async fn what_is_published_after_listening_is_handed_over<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    const ROUNDS: usize = 1000;
    let (here, there) = (scene.node().await?, scene.node().await?);
    let mut last = 0;
    for round in 0..ROUNDS {
        let topic = round.to_string();
        there.listen(&topic).await?;
        last = here.put(&topic, "x").await?.sequence;
    }
    there.seen.until_has(last).await?;
    let seen: Vec<String> = there
        .seen
        .all()
        .into_iter()
        .map(|message| message.topic)
        .collect();
    let expected: Vec<String> = (0..ROUNDS).map(|round| round.to_string()).collect();
    ensure!(
        seen == expected,
        "of {ROUNDS} rounds {} were handed over, the first other at {:?}",
        seen.len(),
        seen.iter()
            .zip(&expected)
            .position(|(seen, put)| seen != put)
    );
    Ok(())
}

pub(super) async fn live_events_meet_history<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    for round in 0..20 {
        let (here, there) = (scene.node().await?, scene.node().await?);
        let topic = round.to_string();
        let publisher = {
            let topic = topic.clone();
            tokio::spawn(async move { here.put_many(&topic, 50).await })
        };
        let began = Instant::now();
        let mut rounds = 0;
        while there.newest(&topic, LIMIT).await?.messages.is_empty() {
            ensure!(
                began.elapsed() < PATIENCE,
                "a node publishes, and for {PATIENCE:?} the newest are none"
            );
            turn(rounds).await;
            rounds += 1;
        }
        there.listen(&topic).await?;
        let frontier = there.frontier(NOWHERE).await?;
        let (_, read) = there.read_all(&topic, 0, LIMIT).await?;
        let published = publisher.await??;
        if let Some(last) = published.last().filter(|last| **last > frontier.sequence) {
            there.seen.until_has(*last).await?;
        }
        let seen = numbers(&there.seen.of(&topic));
        let all: BTreeSet<u64> = numbers(&read).into_iter().chain(seen.clone()).collect();
        ensure!(
            all.iter().eq(&published),
            "of {published:?} was read {:?} and handed over {seen:?}",
            numbers(&read)
        );
        let up_to_frontier = published
            .iter()
            .filter(|sequence| **sequence <= frontier.sequence)
            .count();
        ensure!(
            read.len() >= up_to_frontier,
            "of {up_to_frontier} events up to the frontier {} were read",
            read.len()
        );
    }
    Ok(())
}

pub(super) async fn listening_twice_is_once<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let (here, there) = (scene.node().await?, scene.node().await?);
    there.listen("t").await?;
    there.listen("t").await?;
    there.listen("other").await?;
    let published = here.put_many("t", 10).await?;
    let last = here.put("other", "x").await?;
    there.seen.until_has(last.sequence).await?;
    let seen = numbers(&there.seen.of("t"));
    ensure!(
        seen == published,
        "a topic was listened to twice; {published:?} was published and {seen:?} handed over"
    );
    there.leave("t");
    super::leaving::ensure_left(&here, &there, "t", "other").await
}

pub(super) async fn many_listen_at_once<E: Engines>(scene: &Scene<'_, E>) -> Result<(), Failed> {
    const TOPICS: usize = 50;
    let (here, there) = (scene.node().await?, scene.node().await?);
    let mut listening = JoinSet::new();
    for n in 0..TOPICS * 10 {
        let (here, there) = (here.clone(), there.clone());
        listening.spawn(async move {
            let topic = (n % TOPICS).to_string();
            there.listen(&topic).await?;
            Ok::<_, Failed>(here.put(&topic, "x").await?.sequence)
        });
    }
    let mut published = BTreeSet::new();
    while let Some(sequence) = listening.join_next().await {
        published.insert(sequence??);
    }
    for sequence in &published {
        there.seen.until_has(*sequence).await?;
    }
    ensure!(
        there.seen.count() == published.len(),
        "{} events were published and {} handed over",
        published.len(),
        there.seen.count()
    );
    Ok(())
}

pub(super) async fn who_does_not_listen_is_handed_nothing<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let (here, there) = (scene.node().await?, scene.node().await?);
    here.listen("t").await?;
    there.listen("other").await?;
    here.put_many("t", 20).await?;
    there.put_many("t", 20).await?;
    here.put_many("nobody's", 20).await?;
    let last = there.put("other", "x").await?;
    there.seen.until_has(last.sequence).await?;
    ensure!(
        there.seen.count() == 1,
        "who listens to one topic, to which one event was published, was handed {}",
        there.seen.count()
    );
    here.seen.until_count(40).await?;
    here.frontier(last).await?;
    ensure!(
        here.seen.count() == 40,
        "who listens to one topic, to which 40 events were published, was handed {}",
        here.seen.count()
    );
    Ok(())
}
