//! Leaving topics.

use std::time::Duration;

use tokio::time::sleep;

use super::{
    Engines,
    failed::{Failed, ensure},
    scene::{Node, Scene, numbers},
};
use crate::backplane::Backplane;

/// How often a topic that was left may still be handed over.
const ON_ITS_WAY: usize = 200;

pub(super) async fn a_topic_that_is_left_ends<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let (here, there) = (scene.node().await?, scene.node().await?);
    there.listen("t").await?;
    there.listen("other").await?;
    let first = here.put("t", "x").await?;
    there.seen.until_has(first.sequence).await?;
    there.leave("t");
    there.leave("never listened to");
    ensure_left(&here, &there, "t", "other").await?;
    let count = there.seen.of("t").len();
    let last = {
        here.put_many("t", 100).await?;
        here.put("other", "x").await?
    };
    there.seen.until_has(last.sequence).await?;
    ensure!(
        there.seen.of("t").len() == count,
        "a topic that is left is handed over again"
    );
    Ok(())
}

pub(super) async fn a_topic_that_is_left_can_be_listened_to_again<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let (here, there) = (scene.node().await?, scene.node().await?);
    let mut must_come = Vec::new();
    for _ in 0..200 {
        there.listen("t").await?;
        // This one is on its way when the topic is left, and may be lost.
        here.put("t", "x").await?;
        there.leave("t");
        there.listen("t").await?;
        must_come.push(here.put("t", "x").await?.sequence);
        // Whatever leaving may still be up to, it has the time for it.
        sleep(Duration::from_millis(1)).await;
        let last = here.put("t", "x").await?.sequence;
        must_come.push(last);
        there.seen.until_has(last).await?;
        there.leave("t");
    }
    let seen = numbers(&there.seen.of("t"));
    ensure!(
        seen.is_sorted_by(|one, next| one < next),
        "a topic that was left and listened to again was handed over like this: {seen:?}"
    );
    let lost = must_come.iter().find(|sequence| !seen.contains(sequence));
    ensure!(
        lost.is_none(),
        "{lost:?}, published after a topic was listened to again, was not handed over"
    );
    Ok(())
}

/// That a topic is not handed over any more, while another one is.
pub(super) async fn ensure_left<B: Backplane>(
    here: &Node<B>,
    there: &Node<B>,
    left: &str,
    other: &str,
) -> Result<(), Failed> {
    for _ in 0..ON_ITS_WAY {
        let published = here.put(left, "x").await?;
        let last = here.put(other, "x").await?;
        there.seen.until_has(last.sequence).await?;
        if !there.seen.has(published.sequence) {
            return Ok(());
        }
    }
    Err(Failed::new(format!(
        "{ON_ITS_WAY} events were handed over of a topic that was left before"
    )))
}
