//! Times in which the engine is not reached.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use super::{
    Engines,
    failed::{Failed, ensure},
    scene::{LIMIT, Node, Scene, ensure_chain, numbers},
    seen::PATIENCE,
};
use crate::backplane::{Backplane, BackplaneError, Failure, Place};

/// What is told of an engine that can't be cut off.
const CAN_T_BE_CUT_OFF: &str = "the nodes can't be cut off from their engine here";

/// Whatever a node may still be up to behind its own back, it has the time for it.
const MOMENT: Duration = Duration::from_millis(20);

pub(super) async fn an_outage_is_told_and_overcome<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    const TOPICS: usize = 100;
    let (here, there) = (scene.node().await?, scene.node().await?);
    for n in 0..TOPICS {
        there.listen(&n.to_string()).await?;
    }
    let mut published = Vec::new();
    for outages in 0..=3 {
        if outages > 0 {
            if !scene.interrupt().await? {
                scene.pass_unseen(CAN_T_BE_CUT_OFF);
                return Ok(());
            }
            for node in [&here, &there] {
                node.seen.until_told(2 * outages - 1).await?;
            }
            scene.restore().await?;
            for node in [&here, &there] {
                node.seen.until_told(2 * outages).await?;
            }
        }
        let mut last = published.last().copied();
        for n in 0..TOPICS {
            let place = here.put(&n.to_string(), "x").await?;
            let before = last.replace(place).unwrap_or(Place {
                sequence: 0,
                ..place
            });
            ensure!(
                place.epoch == before.epoch && place.sequence > before.sequence,
                "{before:?} was published before {outages} outages, and {place:?} after"
            );
            published.push(place);
        }
        let expected: Vec<u64> = published.iter().map(|place| place.sequence).collect();
        if let Some(place) = last {
            let handed_over = there.seen.until_has(place.sequence).await;
            ensure!(
                handed_over.is_ok(),
                "{TOPICS} topics were listened to, and after {outages} outages {} events of {} \
                 were handed over",
                there.seen.count(),
                expected.len()
            );
        }
        let seen: Vec<u64> = there
            .seen
            .all()
            .iter()
            .map(|message| message.event.sequence)
            .collect();
        ensure!(
            seen == expected,
            "after {outages} outages {} events were published, each while nodes were connected, \
             and {} handed over, the first other at {:?}",
            expected.len(),
            seen.len(),
            seen.iter()
                .zip(&expected)
                .position(|(seen, put)| seen != put)
        );
    }
    for n in [0, TOPICS - 1] {
        ensure_chain("handed over", 0, &there.seen.of(&n.to_string()))?;
    }
    Ok(())
}

pub(super) async fn calls_fail_while_the_engine_is_not_reached<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let node = scene.node().await?;
    let first = node.put("t", "first").await?;
    if !scene.interrupt().await? {
        scene.pass_unseen(CAN_T_BE_CUT_OFF);
        return Ok(());
    }
    node.seen.until_told(1).await?;
    let failed = must_fail("publishing", node.put("t", "lost")).await?;
    ensure!(
        matches!(failed.failure(), Failure::Unavailable | Failure::Unknown),
        "an engine that is not reached is told to have failed with {:?}",
        failed.failure()
    );
    must_fail("reading", node.read("t", 0, LIMIT)).await?;
    must_fail("reading the newest", node.newest("t", LIMIT)).await?;
    must_fail("listening", node.listen("other")).await?;
    must_fail("the frontier", node.frontier(first)).await?;
    scene.restore().await?;
    node.seen.until_told(2).await?;
    let last = node.put("t", "last").await?;
    sleep(MOMENT).await;
    let (missing, read) = node.read_all("t", 0, LIMIT).await?;
    let (lost, others): (Vec<_>, Vec<_>) = read
        .into_iter()
        .partition(|message| message.frame == "lost");
    ensure!(
        missing.is_none() && numbers(&others) == [first.sequence, last.sequence],
        "before and after an outage {first:?} and {last:?} were published, and {others:?} was \
         read, with {missing:?} missing"
    );
    let may_be_there = usize::from(failed.failure() == Failure::Unknown);
    ensure!(
        lost.len() <= may_be_there,
        "in an outage publishing failed with {:?}, and {lost:?} was read",
        failed.failure()
    );
    node.frontier(last).await?;
    Ok(())
}

pub(super) async fn topics_of_an_outage_are_not_listened_to<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let (here, there) = (scene.node().await?, scene.node().await?);
    there.listen("stays").await?;
    there.listen("left").await?;
    if !scene.interrupt().await? {
        scene.pass_unseen(CAN_T_BE_CUT_OFF);
        return Ok(());
    }
    for node in [&here, &there] {
        node.seen.until_told(1).await?;
    }
    there.leave("left");
    must_fail("listening", there.listen("failed")).await?;
    scene.restore().await?;
    for node in [&here, &there] {
        node.seen.until_told(2).await?;
    }
    ensure_only(&here, &there, "stays", &["left", "failed"]).await?;
    // It works when it is asked for again.
    there.listen("failed").await?;
    let place = here.put("failed", "x").await?;
    there.seen.until_has(place.sequence).await
}

async fn ensure_only<B: Backplane>(
    here: &Node<B>,
    there: &Node<B>,
    only: &str,
    others: &[&str],
) -> Result<(), Failed> {
    for _ in 0..20 {
        for topic in others {
            here.put(topic, "x").await?;
        }
        let last = here.put(only, "x").await?;
        there.seen.until_has(last.sequence).await?;
        sleep(MOMENT).await;
    }
    for topic in others {
        let count = there.seen.of(topic).len();
        ensure!(
            count == 0,
            "during an outage a topic was left or listening to it failed, and {count} events of \
             the topic {topic:?} were handed over afterwards"
        );
    }
    Ok(())
}

/// That a call fails, and within a bounded time.
async fn must_fail<T>(
    what: &str,
    call: impl Future<Output = Result<T, BackplaneError>>,
) -> Result<BackplaneError, Failed> {
    let began = Instant::now();
    match timeout(PATIENCE, call).await {
        Ok(Err(failed)) => Ok(failed),
        Ok(Ok(_)) => Err(Failed::new(format!(
            "the engine is not reached, and {what} succeeds after {:?}",
            began.elapsed()
        ))),
        Err(_) => Err(Failed::new(format!(
            "the engine is not reached, and {what} does not fail within {PATIENCE:?}"
        ))),
    }
}
