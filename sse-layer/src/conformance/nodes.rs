//! Nodes that go, and calls that are given up.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use super::{
    Engines,
    failed::{Failed, ensure},
    scene::{LIMIT, Scene, numbers},
    seen::PATIENCE,
};
use crate::backplane::{Backplane, Place};

pub(super) async fn a_dropped_node_ends<E: Engines>(scene: &Scene<'_, E>) -> Result<(), Failed> {
    let (here, there) = (scene.node().await?, scene.node().await?);
    let gone = scene.node().await?;
    for node in [&here, &there, &gone] {
        node.listen("t").await?;
    }
    let first = here.put("t", "x").await?;
    gone.seen.until_has(first.sequence).await?;
    let inbox = Arc::downgrade(&gone.seen);
    drop(gone);
    let began = Instant::now();
    while inbox.strong_count() > 0 {
        ensure!(
            began.elapsed() < PATIENCE,
            "a node was dropped {PATIENCE:?} ago, and something still holds its inbox"
        );
        sleep(Duration::from_millis(10)).await;
    }
    let mut published = vec![first.sequence];
    published.extend(here.put_many("t", 20).await?);
    published.extend(there.put_many("t", 20).await?);
    for node in [&here, &there] {
        node.seen.until_count(published.len()).await?;
        let seen = numbers(&node.seen.of("t"));
        ensure!(
            seen == published,
            "after another node was dropped, of {published:?} {seen:?} was handed over"
        );
        node.frontier(first).await?;
        let (_, read) = node.read_all("t", 0, LIMIT).await?;
        ensure!(
            numbers(&read) == published,
            "after another node was dropped, of {published:?} {:?} was read",
            numbers(&read)
        );
    }
    Ok(())
}

pub(super) async fn calls_that_are_dropped_break_nothing<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let node = scene.node().await?;
    node.listen("t").await?;
    let nowhere = Place {
        epoch: 0,
        sequence: 0,
    };
    for round in 0..200_u64 {
        // From not at all to a little later than an engine nearby answers.
        let after = Duration::from_micros(round % 20 * 25);
        give_up(node.put("t", &round.to_string()), after).await;
        give_up(node.put_with("t", &round.to_string(), Some("key")), after).await;
        give_up(node.page("t", 0, LIMIT), after).await;
        give_up(node.newest("t", LIMIT), after).await;
        give_up(node.frontier(nowhere), after).await;
        give_up(node.listen("other"), after).await;
        node.leave("other");
    }
    let key = node.put_with("t", "key", Some("key")).await?;
    node.listen("other").await?;
    let mut others = Vec::new();
    for _ in 0..10 {
        others.push(node.put("other", "x").await?.sequence);
    }
    let last = node.put("t", "last").await?;
    node.seen.until_has(last.sequence).await?;
    let frontier = node.frontier(last).await?;
    ensure!(
        frontier.sequence >= last.sequence,
        "after {last:?} was published the frontier is {frontier:?}"
    );
    let (missing, mut read) = node.read_all("t", 0, LIMIT).await?;
    ensure!(missing.is_none(), "up to {missing:?} is told to be missing");
    // What was given up may also be published later.
    read.retain(|message| message.sequence <= last.sequence);
    let mut seen = node.seen.of("t");
    seen.retain(|message| message.sequence <= last.sequence);
    ensure!(
        read == seen,
        "calls were given up, and then {:?} was read and {:?} handed over",
        numbers(&read),
        numbers(&seen)
    );
    let mut frames: Vec<_> = read.iter().map(|message| &message.frame).collect();
    let count = frames.len();
    frames.sort_unstable();
    frames.dedup();
    // The first of those with the key may have the frame of one without.
    ensure!(
        count - frames.len() <= 1,
        "of {count} events that were published once or given up, {} are different",
        frames.len()
    );
    ensure!(
        numbers(&read).contains(&key.sequence),
        "{key:?}, where a key was published first, is not there"
    );
    let seen = numbers(&node.seen.of("other"));
    ensure!(
        seen == others,
        "listening was given up often, and then of {others:?} {seen:?} was handed over"
    );
    Ok(())
}

/// Lets a call begin, and drops it.
async fn give_up<T>(call: impl Future<Output = T>, after: Duration) {
    // Most calls are late, which is what this is for.
    let _late = timeout(after, call).await;
}
