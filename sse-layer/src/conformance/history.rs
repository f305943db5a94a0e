//! What is read of a topic.

use super::{
    Engines,
    failed::{Failed, ensure},
    scene::{LIMIT, Scene, numbered, numbers, turn},
};
use crate::backplane::{Backplane, ReadLimit};

pub(super) async fn history_is_read_after_a_number<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let node = scene.node().await?;
    let mut published = Vec::new();
    let mut between = Vec::new();
    for n in 0..10 {
        published.push(node.put("t", &numbered(n)).await?.sequence);
        between.push(node.put("other", "x").await?.sequence);
    }
    for after in published.iter().chain(&between).chain([&0]) {
        let page = node.page("t", *after, LIMIT).await?;
        let mut expected = published.clone();
        expected.retain(|sequence| sequence > after);
        let read = numbers(&page.messages);
        ensure!(
            read == expected,
            "after {after} of {published:?}, {read:?} was read"
        );
        ensure!(
            page.missing.is_none(),
            "after {after} of {published:?}, up to {:?} is told to be missing",
            page.missing
        );
        ensure!(!page.has_more, "after {after}, a whole page has more");
    }
    Ok(())
}

/// The number may come from a client, who may have made it up.
pub(super) async fn any_number_can_be_read_after<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let node = scene.node().await?;
    let newest = node.put("t", "x").await?.sequence;
    let signed = i64::MAX as u64;
    for after in [
        newest.saturating_add(1),
        newest.saturating_add(1_000_000),
        signed,
        signed + 1,
        u64::MAX - 1,
        u64::MAX,
    ] {
        let page = node.page("t", after, LIMIT).await?;
        ensure!(
            page.messages.is_empty() && page.missing.is_none() && !page.has_more,
            "the newest number is {newest}, and after {after} is read {page:?}"
        );
    }
    // Nor has it moved the numbers.
    let next = node.put("t", "x").await?.sequence;
    ensure!(
        next < signed && numbers(&node.page("t", newest, LIMIT).await?.messages) == [next],
        "a number that nobody has given was read after, and the next one is {next}"
    );
    Ok(())
}

pub(super) async fn history_is_read_in_pages<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let node = scene.node().await?;
    let mut published = Vec::new();
    for n in 0..50 {
        let frame = format!("{n:0>1000}");
        published.push(node.put("t", &frame).await?.sequence);
        if n % 3 == 0 {
            node.put("other", &frame).await?;
        }
    }
    for (events, bytes) in [
        (1, 1 << 20),
        (7, 1 << 20),
        (25, 1 << 20),
        (49, 1 << 20),
        (50, 1 << 20),
        (51, 1 << 20),
        (1000, 999),
        (1000, 1000),
        (1000, 2500),
        (1000, 10_000),
        (8, 10_000),
        (12, 10_000),
    ] {
        let limit = ReadLimit { events, bytes };
        let (missing, read) = node.read_all("t", 0, limit).await?;
        let read = numbers(&read);
        ensure!(
            read == published,
            "in pages of {limit:?}, of {published:?} was read {read:?}"
        );
        ensure!(
            missing.is_none(),
            "in pages of {limit:?}, up to {missing:?} is told to be missing"
        );
    }
    let page = node
        .page(
            "t",
            0,
            ReadLimit {
                events: 49,
                ..LIMIT
            },
        )
        .await?;
    ensure!(page.has_more, "49 of 50 events have no more");
    let page = node
        .page(
            "t",
            0,
            ReadLimit {
                events: 50,
                ..LIMIT
            },
        )
        .await?;
    ensure!(
        page.messages.len() == 50 && !page.has_more,
        "of 50 events a page has {}, and has more: {}",
        page.messages.len(),
        page.has_more
    );
    Ok(())
}

pub(super) async fn a_page_has_one_event_at_least<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let node = scene.node().await?;
    let large = "x".repeat(100_000);
    let mut published = Vec::new();
    for frame in ["small", &large, "small", &large] {
        published.push(node.put("t", frame).await?.sequence);
    }
    for limit in [
        ReadLimit {
            events: 10,
            bytes: 1000,
        },
        ReadLimit {
            events: 10,
            bytes: 0,
        },
        ReadLimit {
            events: 0,
            bytes: 1000,
        },
    ] {
        let (_, read) = node.read_all("t", 0, limit).await?;
        let read = numbers(&read);
        ensure!(
            read == published,
            "with {limit:?}, of {published:?} was read {read:?}"
        );
        let newest = numbers(&node.newest("t", limit).await?.messages);
        ensure!(
            newest == published[3..],
            "with {limit:?}, the newest of {published:?} are {newest:?}"
        );
    }
    Ok(())
}

pub(super) async fn the_newest_are_read<E: Engines>(scene: &Scene<'_, E>) -> Result<(), Failed> {
    let node = scene.node().await?;
    let mut published = Vec::new();
    let mut epoch = 0;
    for n in 0..30 {
        let place = node.put("t", &format!("{n:0>1000}")).await?;
        epoch = place.epoch;
        published.push(place.sequence);
        node.put("other", "x").await?;
    }
    for events in [1, 2, 29, 30, 31, 1000] {
        let page = node.newest("t", ReadLimit { events, ..LIMIT }).await?;
        ensure!(
            page.epoch == epoch,
            "published in the epoch {epoch}, the newest are of {}",
            page.epoch
        );
        let expected = &published[published.len().saturating_sub(events)..];
        let read = numbers(&page.messages);
        ensure!(
            read == expected,
            "the newest {events} of {published:?} are {read:?}"
        );
    }
    let bytes = 5500;
    let limit = ReadLimit {
        events: 1000,
        bytes,
    };
    let read = node.newest("t", limit).await?.messages;
    let are_newest = published.ends_with(&numbers(&read));
    ensure!(
        (1..=5).contains(&read.len()) && are_newest,
        "the newest of {published:?}, of 1,000 bytes each, within {bytes} bytes are {:?}",
        numbers(&read)
    );
    Ok(())
}

pub(super) async fn a_topic_without_events_is_empty<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let node = scene.node().await?;
    for _ in 0..2 {
        let newest = node.put("other", "x").await?;
        let mut epochs = Vec::new();
        for after in [0, newest.sequence] {
            let page = node.page("t", after, LIMIT).await?;
            ensure!(
                page.messages.is_empty() && page.missing.is_none() && !page.has_more,
                "nothing was published, and after {after} is read {page:?}"
            );
            epochs.push(page.epoch);
        }
        let page = node.newest("t", LIMIT).await?;
        ensure!(
            page.messages.is_empty() && !page.has_more,
            "nothing was published, and the newest are {page:?}"
        );
        epochs.push(page.epoch);
        // By that a node knows that the engine has not lost what there was.
        ensure!(
            epochs.iter().all(|epoch| *epoch == newest.epoch),
            "published elsewhere in the epoch {}, nothing is read in the epochs {epochs:?}",
            newest.epoch
        );
        // Also where the node listens.
        node.listen("t").await?;
    }
    Ok(())
}

pub(super) async fn reading_while_others_publish_loses_nothing<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    const EVENTS: usize = 300;
    let (here, there) = (scene.node().await?, scene.node().await?);
    let publisher = tokio::spawn(async move { here.put_many("t", EVENTS).await });
    let mut read = Vec::new();
    let limit = ReadLimit {
        events: 16,
        ..LIMIT
    };
    let mut is_over = false;
    let mut pages = 0;
    loop {
        let after = read.last().copied().unwrap_or(0);
        let page = there.page("t", after, limit).await?;
        ensure!(
            page.missing.is_none(),
            "after {after}, up to {:?} is told to be missing",
            page.missing
        );
        let is_empty = page.messages.is_empty();
        read.extend(numbers(&page.messages));
        if is_empty && is_over {
            break;
        }
        is_over = publisher.is_finished();
        // A few more events each time, so that pages of all lengths are read.
        for _ in 0..read.len() % 7 {
            tokio::task::yield_now().await;
        }
        turn(pages).await;
        pages += 1;
    }
    let published = publisher.await??;
    ensure!(
        read == published,
        "while it was published, {} of {} events were read, the first other at {:?}",
        read.len(),
        published.len(),
        read.iter()
            .zip(&published)
            .position(|(read, put)| read != put)
    );
    Ok(())
}
