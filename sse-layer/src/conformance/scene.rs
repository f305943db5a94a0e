//! The nodes of one check.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::{task::yield_now, time::sleep};

use super::{
    Engines,
    failed::{Failed, ensure},
    seen::Seen,
};
use crate::backplane::{
    Backplane, BackplaneError, Bounds, Outgoing, Page, Place, ReadLimit, Stored,
};

/// More than any check publishes to a topic.
pub(super) const BOUNDS: Bounds = Bounds {
    events: 5_000,
    bytes: 16 * 1024 * 1024,
    age: Duration::from_secs(5 * 60),
    keys: Duration::from_secs(120),
};

/// A limit for pages of one's own size.
pub(super) const LIMIT: ReadLimit = ReadLimit {
    events: 1_000,
    bytes: 4 * 1024 * 1024,
};

/// An engine in which nothing has been published yet.
pub(super) struct Scene<'a, E> {
    pub(super) engines: &'a E,
    namespace: String,
    unseen: OnceLock<&'static str>,
}

impl<'a, E> Scene<'a, E>
where
    E: Engines,
{
    pub(super) fn new(engines: &'a E, check: &str) -> Self {
        let words: String = check.chars().take(40).collect();
        Self {
            engines,
            namespace: format!("{words}_{:016x}", fastrand::u64(..)),
            unseen: OnceLock::new(),
        }
    }

    /// The check passes, since what it is for is not there.
    pub(super) fn pass_unseen(&self, why: &'static str) {
        self.unseen.get_or_init(|| why);
    }

    /// Why the check passes unseen, if it does.
    pub(super) fn unseen(&self) -> Option<&'static str> {
        self.unseen.get().copied()
    }

    pub(super) async fn interrupt(&self) -> Result<bool, Failed> {
        let interrupted = self.engines.interrupt(&self.namespace).await;
        interrupted.map_err(|error| Failed::of("the nodes were not cut off", &*error))
    }

    pub(super) async fn restore(&self) -> Result<(), Failed> {
        let restored = self.engines.restore(&self.namespace).await;
        restored.map_err(|error| Failed::of("the nodes were not connected again", &*error))
    }

    pub(super) async fn node(&self) -> Result<Node<E::Engine>, Failed> {
        self.node_with(BOUNDS).await
    }

    pub(super) async fn node_with(&self, bounds: Bounds) -> Result<Node<E::Engine>, Failed> {
        let node = self.node_to_open().await?;
        node.open(bounds).await?;
        Ok(node)
    }

    pub(super) async fn node_to_open(&self) -> Result<Node<E::Engine>, Failed> {
        Ok(Node {
            engine: Arc::new(self.engines.node(&self.namespace).await?),
            seen: Arc::default(),
        })
    }
}

/// A node of it, and what it was handed over.
pub(super) struct Node<B> {
    pub(super) engine: Arc<B>,
    pub(super) seen: Arc<Seen>,
}

impl<B> Clone for Node<B> {
    fn clone(&self) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
            seen: Arc::clone(&self.seen),
        }
    }
}

impl<B> Deref for Node<B> {
    type Target = B;

    fn deref(&self) -> &B {
        &self.engine
    }
}

impl<B> Node<B>
where
    B: Backplane,
{
    pub(super) async fn open(&self, bounds: Bounds) -> Result<(), BackplaneError> {
        self.engine.open(Arc::clone(&self.seen) as _, bounds).await
    }

    /// Publishes an event with this text as its frame.
    pub(super) async fn put(&self, topic: &str, frame: &str) -> Result<Place, BackplaneError> {
        self.put_with(topic, frame, None).await
    }

    pub(super) async fn put_with(
        &self,
        topic: &str,
        frame: &str,
        key: Option<&str>,
    ) -> Result<Place, BackplaneError> {
        let frame = frame.as_bytes();
        self.engine.publish(Outgoing { topic, frame, key }).await
    }

    /// Publishes so many events, one by one, and answers their numbers. Others get their turn in
    /// between, also where nothing has to be waited for.
    pub(super) async fn put_many(&self, topic: &str, count: usize) -> Result<Vec<u64>, Failed> {
        let mut numbers = Vec::with_capacity(count);
        for n in 0..count {
            numbers.push(self.put(topic, &numbered(n)).await?.sequence);
            tokio::task::yield_now().await;
        }
        Ok(numbers)
    }

    /// Reads a topic to its end, page by page. Answers what it is and what is missing in it.
    pub(super) async fn read_all(
        &self,
        topic: &str,
        mut after: u64,
        limit: ReadLimit,
    ) -> Result<(Option<u64>, Vec<Stored>), Failed> {
        let mut missing = None;
        let mut all = Vec::new();
        loop {
            let page = self.page(topic, after, limit).await?;
            missing = missing.max(page.missing);
            let Some(last) = page.messages.last() else {
                ensure!(!page.has_more, "a page without messages has more");
                return Ok((missing, all));
            };
            after = last.sequence;
            all.extend(page.messages);
            if !page.has_more {
                return Ok((missing, all));
            }
        }
    }

    /// Reads a page and checks what holds for each.
    pub(super) async fn page(
        &self,
        topic: &str,
        after: u64,
        limit: ReadLimit,
    ) -> Result<Page, Failed> {
        let page = self.engine.read(topic, after, limit).await?;
        let mut before = after.max(page.missing.unwrap_or(0));
        for message in &page.messages {
            ensure!(
                message.sequence > before,
                "a page after {after} with {:?} missing has {} behind {before}",
                page.missing,
                message.sequence
            );
            before = message.sequence;
        }
        if let Some(missing) = page.missing {
            ensure!(
                missing > after,
                "after {after}, {missing} is told as missing"
            );
        }
        let count = page.messages.len();
        ensure!(
            count <= limit.events.max(1),
            "a page has {count} events where the limit is {}",
            limit.events
        );
        let bytes: usize = page
            .messages
            .iter()
            .map(|message| message.frame.len())
            .sum();
        ensure!(
            bytes <= limit.bytes || count == 1,
            "a page has {bytes} bytes in {count} events where the limit is {}",
            limit.bytes
        );
        Ok(page)
    }
}

/// Lets others have their turn, in a loop that waits for what they do. Now and then that takes a
/// while: time that is paused goes on only where all wait, and without it no check would end.
pub(super) async fn turn(round: usize) {
    match round % 64 {
        63 => sleep(Duration::from_millis(10) * (round / 64 + 1).min(100) as u32).await,
        _ => yield_now().await,
    }
}

/// The frame of the event of this number.
pub(super) fn numbered(n: usize) -> String {
    format!("data: {n}\n\n")
}

pub(super) fn numbers(messages: &[Stored]) -> Vec<u64> {
    messages.iter().map(|message| message.sequence).collect()
}

/// That messages are these, in this order: their numbers and their frames.
pub(super) fn ensure_same(
    what: &str,
    messages: &[Stored],
    expected: &[(u64, String)],
) -> Result<(), Failed> {
    for (message, (sequence, frame)) in messages.iter().zip(expected) {
        ensure!(
            message.sequence == *sequence,
            "{what}: {} stands where {sequence} should be",
            message.sequence
        );
        ensure!(
            message.frame == frame.as_bytes(),
            "{what}: the frame of {sequence} is {:?} instead of {frame:?}",
            String::from_utf8_lossy(&message.frame)
        );
    }
    ensure!(
        messages.len() == expected.len(),
        "{what}: {} messages instead of {}",
        messages.len(),
        expected.len()
    );
    Ok(())
}

/// That each message tells the number of the one before it in its topic.
pub(super) fn ensure_chain(what: &str, first: u64, messages: &[Stored]) -> Result<(), Failed> {
    let mut previous = first;
    for message in messages {
        ensure!(
            message.previous == previous,
            "{what}: {} tells {} as the one before it, which is {previous}",
            message.sequence,
            message.previous
        );
        previous = message.sequence;
    }
    Ok(())
}
