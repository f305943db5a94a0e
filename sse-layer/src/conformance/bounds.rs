//! What is kept no more, and that it is told.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{
    Engines,
    failed::{Failed, ensure},
    scene::{BOUNDS, LIMIT, Node, Scene, ensure_chain, numbered, numbers},
    seen::PATIENCE,
};
use crate::backplane::{Backplane, Bounds, Place};

/// Before everything.
const NOWHERE: Place = Place {
    epoch: 0,
    sequence: 0,
};

/// Short enough to wait for, and long enough to read within it.
const SHORT: Duration = Duration::from_secs(2);

pub(super) async fn history_is_bounded_by_count<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let bounds = Bounds {
        events: 10,
        ..BOUNDS
    };
    let node = scene.node_with(bounds).await?;
    let published = node.put_many("t", 10).await?;
    ensure_kept(&node, "t", &published, 0).await?;
    let mut published = published;
    for n in 10..15 {
        published.push(node.put("t", &numbered(n)).await?.sequence);
        ensure_kept(&node, "t", &published, published.len() - 10).await?;
    }
    published.extend(node.put_many("t", 100).await?);
    ensure_kept(&node, "t", &published, published.len() - 10).await?;
    let newest = numbers(&node.newest("t", LIMIT).await?.messages);
    ensure!(
        newest == published[published.len() - 10..],
        "the newest of {published:?}, of which 10 are kept, are {newest:?}"
    );
    Ok(())
}

pub(super) async fn history_is_bounded_by_bytes<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    if !scene.engines.bounds_bytes() {
        scene.pass_unseen("the engine does not bound bytes");
        return Ok(());
    }
    let bounds = Bounds {
        bytes: 20_000,
        ..BOUNDS
    };
    let node = scene.node_with(bounds).await?;
    let mut published = Vec::new();
    for n in 0..60 {
        published.push(node.put("t", &format!("{n:0>1000}")).await?.sequence);
    }
    let kept = node.page("t", 0, LIMIT).await?.messages.len();
    // What goes with an event may count as well.
    ensure!(
        (5..=20).contains(&kept),
        "of events of 1,000 bytes, {kept} are within 20,000 bytes"
    );
    ensure_kept(&node, "t", &published, published.len() - kept).await
}

pub(super) async fn history_is_bounded_by_age<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let bounds = Bounds {
        age: SHORT,
        ..BOUNDS
    };
    let node = scene.node_with(bounds).await?;
    let began = Instant::now();
    let mut published = node.put_many("t", 3).await?;
    let read = node.page("t", 0, LIMIT).await?.messages.len();
    ensure!(
        read == 3 || began.elapsed() >= SHORT / 2,
        "of 3 events {read} are kept right after they were published"
    );
    wait_until_gone(&node, "t").await?;
    ensure!(
        began.elapsed() >= SHORT * 9 / 10,
        "what should be kept for {SHORT:?} was gone after {:?}",
        began.elapsed()
    );
    let newest = node.newest("t", LIMIT).await?.messages;
    ensure!(newest.is_empty(), "what is too old is among the newest");
    let kept = ensure_kept(&node, "t", &published, 3).await;
    // Within twice the age the topic is still known; where the test itself was late it need not be.
    if began.elapsed() < SHORT * 2 {
        kept?;
        published.push(node.put("t", &numbered(3)).await?.sequence);
        let page = node.page("t", published[0], LIMIT).await?;
        ensure!(
            numbers(&page.messages) == published[3..] && page.missing >= Some(published[2]),
            "of {published:?}, of which the last is not too old, after the first is read {page:?}"
        );
    }
    Ok(())
}

pub(super) async fn what_is_forgotten_is_missing<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let bounds = Bounds {
        age: SHORT,
        ..BOUNDS
    };
    let node = scene.node_with(bounds).await?;
    node.listen("t").await?;
    let mut published = node.put_many("t", 3).await?;
    sleep(SHORT * 3).await;
    let is_told = |missing: Option<u64>| missing.is_some_and(|missing| missing >= published[2]);
    let page = node.page("t", published[0], LIMIT).await?;
    ensure!(
        page.messages.is_empty() && is_told(page.missing),
        "all of {published:?} is forgotten, and after the first is read {page:?}"
    );
    let place = node.put("t", &numbered(3)).await?;
    let page = node.page("t", published[0], LIMIT).await?;
    ensure!(
        numbers(&page.messages) == [place.sequence] && is_told(page.missing),
        "all of {published:?} is forgotten, one more was published, and after the first is read \
         {page:?}"
    );
    node.seen.until_has(place.sequence).await?;
    let seen = node.seen.of("t");
    let previous = seen.last().map(|message| message.previous);
    ensure!(
        previous == Some(0) || previous == Some(published[2]),
        "the one after {published:?} tells {previous:?} as the one before it"
    );
    published.push(place.sequence);
    ensure!(
        numbers(&seen) == published,
        "of {published:?} {:?} was handed over",
        numbers(&seen)
    );
    Ok(())
}

pub(super) async fn without_history_live_events_go_on<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let bounds = Bounds {
        events: 0,
        ..BOUNDS
    };
    let (here, there) = (
        scene.node_with(bounds).await?,
        scene.node_with(bounds).await?,
    );
    there.listen("t").await?;
    let empty = there.page("t", 0, LIMIT).await?;
    ensure!(
        empty.missing.is_none(),
        "nothing was published, and up to {:?} is missing",
        empty.missing
    );
    let published = here.put_many("t", 5).await?;
    there.seen.until_has(published[4]).await?;
    let seen = there.seen.of("t");
    ensure!(
        numbers(&seen) == published,
        "of {published:?} {:?} was handed over",
        numbers(&seen)
    );
    ensure_chain("handed over", 0, &seen)?;
    ensure_kept(&there, "t", &published, 5).await?;
    let newest = there.newest("t", LIMIT).await?.messages;
    ensure!(
        newest.is_empty(),
        "nothing is kept, and the newest are {newest:?}"
    );
    Ok(())
}

pub(super) async fn bounds_are_each_topics_own<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let bounds = Bounds {
        events: 10,
        ..BOUNDS
    };
    let node = scene.node_with(bounds).await?;
    let mut quiet = node.put_many("quiet", 2).await?;
    let busy = node.put_many("busy", 50).await?;
    ensure_kept(&node, "busy", &busy, 40).await?;
    ensure_kept(&node, "quiet", &quiet, 0).await?;
    quiet.extend(node.put_many("quiet", 2).await?);
    ensure_kept(&node, "quiet", &quiet, 0).await
}

pub(super) async fn bounds_are_those_of_the_node_that_reads<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let narrow = Bounds {
        events: 5,
        ..BOUNDS
    };
    let (here, there) = (scene.node().await?, scene.node_with(narrow).await?);
    let published = here.put_many("t", 20).await?;
    ensure_kept(&here, "t", &published, 0).await?;
    ensure_kept(&there, "t", &published, 15).await?;
    let newest = numbers(&there.newest("t", LIMIT).await?.messages);
    ensure!(
        newest == published[15..],
        "the newest of {published:?}, of which 5 are within the bounds, are {newest:?}"
    );
    Ok(())
}

/// That of what was published the first so many are gone and the others kept: whoever has not seen
/// what is gone is told so, and nobody else.
async fn ensure_kept<B: Backplane>(
    node: &Node<B>,
    topic: &str,
    published: &[u64],
    gone: usize,
) -> Result<(), Failed> {
    let (lost, kept) = published.split_at(gone);
    let frontier = node.frontier(NOWHERE).await?.sequence;
    for after in [0].iter().chain(published) {
        let page = node.page(topic, *after, LIMIT).await?;
        let read = numbers(&page.messages);
        let expected = &kept[kept.partition_point(|sequence| sequence <= after)..];
        ensure!(
            read == expected,
            "of {published:?} the last {} are kept, and after {after} is read {read:?}",
            kept.len()
        );
        let unseen = lost.last().filter(|lost| *lost > after);
        ensure!(
            page.missing.is_some() == unseen.is_some() && page.missing >= unseen.copied(),
            "of {published:?} the last {} are kept, and after {after} is missing {:?}",
            kept.len(),
            page.missing
        );
        // Whatever is up to that number, nobody would be given.
        ensure!(
            page.missing <= Some(frontier),
            "the newest number is at most {frontier}, and {:?} is told as missing",
            page.missing
        );
    }
    Ok(())
}

async fn wait_until_gone<B: Backplane>(node: &Node<B>, topic: &str) -> Result<(), Failed> {
    let began = Instant::now();
    while !node.page(topic, 0, LIMIT).await?.messages.is_empty() {
        ensure!(
            began.elapsed() < PATIENCE,
            "what should be kept for {SHORT:?} is still there after {PATIENCE:?}"
        );
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
