use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_core::Stream;
use smallvec::SmallVec;
use tokio::time::Instant;

use super::{
    answer::Awaited,
    gap::{Gap, GapReason},
    lag::LagPolicy,
    merge::Merge,
    message::{Mark, Message},
    node::Read,
    position::{self, Epoch},
    shared::Shared,
    source::{Piece, Source},
    stats::Tally,
};
use crate::{
    alarm::Alarm,
    event::{EventId, Frame},
    last_event_id::LastEventId,
    observe::TARGET,
};

/// What one client gets of one topic or several: a stream of [`Frame`]s, which never waits for
/// others and for which nobody waits.
///
/// It is set up by its methods, and then given to [`Sse::new`](crate::Sse::new). What was published
/// since [`Hub::subscribe`](super::Hub::subscribe) is its own, however late it is first polled, as
/// far as queue and history reach.
///
/// ```
/// use sse_layer::{LastEventId, Sse, hub::{Hub, Subscription, TopicError}};
///
/// // On axum, `LastEventId` is an argument of the handler.
/// fn stocks(hub: &Hub, last_event_id: LastEventId) -> Result<Sse<Subscription>, TopicError> {
///     Ok(Sse::new(hub.subscribe("stocks")?.after(last_event_id)))
/// }
/// ```
///
/// # What it sends
///
/// - Each message once and in the order of ids, also over several topics.
/// - A [`Gap`] where something may be missing, at the place where it is missing.
/// - Its position, as an id without data, if there is nothing else to begin with: a client that is
///   cut off before its first event could not tell where to go on. The same, once in a while,
///   where a [filter](Self::filter) lets the position run ahead of what is sent.
///   [`no_positions`](Self::no_positions) switches that off.
///
/// # What it holds
///
/// A subscriber that is not read holds at most a page of history a topic (64 messages and, unless
/// it is a single larger one, 256 KiB; 256 messages of what is read from an engine) and one message more a topic that waits for its turn. What
/// else it has not read waits in the topic's queue, which is one for all subscribers and
/// [bounded](super::HubBuilder::queue). So 1,000 stalled subscribers of a topic hold one queue and
/// what each has in hand.
///
/// It never ends by itself, but for [`end_after`](Self::end_after) and [`LagPolicy::Close`].
pub struct Subscription {
    shared: Arc<Shared>,
    merge: Merge,
    /// Where it begins; taken when it is first polled.
    start: Option<Box<Start>>,
    /// The newest message when it was made; of an engine, the newest that is here.
    subscribed: u64,
    /// The epoch of its ids.
    epoch: Epoch,
    filter: Option<Box<Condition>>,
    end_after: Option<Box<Condition>>,
    /// Everything up to here was sent, filtered out, or told as missing.
    position: u64,
    /// What the client knows of that, if it has an id at all.
    told: Option<u64>,
    told_at: Instant,
    sends_positions: bool,
    phase: Phase,
    /// Tells when the position is to be sent.
    alarm: Option<Pin<Box<Alarm>>>,
    tally: Tally,
}

type Condition = dyn Fn(&Message) -> bool + Send + Sync;

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    /// Nothing was sent yet.
    Opening,
    Open,
    Over,
}

struct Start {
    after: LastEventId,
    /// For a client without an id.
    beginning: Beginning,
    /// The newest message when it was made, and the epoch of that.
    since: (Epoch, u64),
    /// Whether the engine has lost everything while this was open.
    is_lost: bool,
    /// Asks the engine for an id that nobody here knows of, once.
    asked: Option<Awaited<()>>,
    /// Where the sources begin that begin with their newest.
    places: Vec<Mark>,
    /// What is read to find the next of them.
    newest: Option<Read>,
}

#[derive(Clone, Copy)]
enum Beginning {
    Now,
    Recent(usize),
    First,
}

/// What a [`Subscription`] sends, before it is made into a frame.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Delivery {
    /// An event that was published.
    Message(Message),
    /// Something may be missing here.
    Gap(Gap),
    /// Everything up to this id was sent or filtered out.
    Position(EventId),
}

/// So often a filter lets a client know its position, while nothing else is sent.
const POSITION_EVERY: Duration = Duration::from_secs(15);

/// So often a client of an engine's quiet topic is told how far that is, at most.
const POSITION_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// So many messages are looked at without one to send, before others have their turn.
const MESSAGES_AT_ONCE: usize = 256;

impl Subscription {
    pub(super) fn new(
        shared: Arc<Shared>,
        (epoch, subscribed): (Epoch, u64),
        topics: usize,
    ) -> Self {
        shared.counts.subscribed();
        Self {
            shared,
            merge: Merge {
                sources: SmallVec::with_capacity(topics),
                policy: LagPolicy::default(),
            },
            start: Some(Box::new(Start::with(Beginning::Now, (epoch, subscribed)))),
            subscribed,
            epoch,
            filter: None,
            end_after: None,
            position: 0,
            told: None,
            told_at: Instant::now(),
            sends_positions: true,
            phase: Phase::Opening,
            alarm: None,
            tally: Tally::default(),
        }
    }

    pub(super) fn add(&mut self, source: Source) {
        self.merge.sources.push(source);
    }

    /// Goes on after the last event that the client has seen: it gets what it missed, and then what
    /// comes.
    ///
    /// An id that is not of this hub begins with a [`Gap`] and with everything that is kept. No id
    /// begins as if this had not been called. An id authorises nothing: it chooses where in these
    /// topics to go on, never which topics.
    #[must_use]
    pub fn after(mut self, last_event_id: impl Into<LastEventId>) -> Self {
        if let Some(start) = &mut self.start {
            start.after = last_event_id.into();
        }
        self
    }

    /// Begins with the newest messages of each topic, as far as they are kept, so many at most. For
    /// clients that have seen nothing yet; one that goes on [after](Self::after) an id gets what
    /// comes after that.
    #[must_use]
    pub fn recent(mut self, count: usize) -> Self {
        if let Some(start) = &mut self.start {
            start.beginning = Beginning::Recent(count);
        }
        self
    }

    /// Begins with the first message that was ever published to these topics, and with a [`Gap`]
    /// if not all of them are kept. For what makes sense only as a whole, such as the tokens of an
    /// answer; as with [`recent`](Self::recent), for clients that have seen nothing yet.
    #[must_use]
    pub fn from_the_first(mut self) -> Self {
        if let Some(start) = &mut self.start {
            start.beginning = Beginning::First;
        }
        self
    }

    /// Sends only the messages for which this is true, also of those from the history.
    ///
    /// Called again, both have to be true. What is filtered out is not counted anywhere, and a
    /// [`Gap`] can't tell how many are missing of those that it would let through.
    #[must_use]
    pub fn filter<F>(mut self, filter: F) -> Self
    where
        F: Fn(&Message) -> bool + Send + Sync + 'static,
    {
        self.filter = Some(match self.filter.take() {
            None => Box::new(filter),
            Some(before) => Box::new(move |message| before(message) && filter(message)),
        });
        self
    }

    /// Ends the stream behind the first message for which this is true, which is sent. Of messages
    /// that are filtered out it is not asked.
    ///
    /// ```
    /// # let hub = sse_layer::hub::Hub::memory();
    /// let answer = hub.subscribe("answers/7")?.end_after(|message| message.event() == Some("done"));
    /// # Ok::<(), sse_layer::hub::TopicError>(())
    /// ```
    #[must_use]
    pub fn end_after<F>(mut self, is_last: F) -> Self
    where
        F: Fn(&Message) -> bool + Send + Sync + 'static,
    {
        self.end_after = Some(Box::new(is_last));
        self
    }

    /// What becomes of a subscriber that is too slow for its queue.
    #[must_use]
    pub fn on_lag(mut self, policy: LagPolicy) -> Self {
        self.merge.policy = policy;
        self
    }

    /// Sends no ids without data, for clients that take every blank line for an event, such as
    /// Python's httpx-sse. One that is cut off before its first event then begins anew, and does not
    /// know what it missed.
    #[must_use]
    pub fn no_positions(mut self) -> Self {
        self.sends_positions = false;
        self
    }

    /// The same as a stream of what the frames are made from, for whoever is not a client of an
    /// event stream.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// use futures_util::StreamExt as _;
    /// use sse_layer::{Event, hub::{Delivery, Hub}};
    ///
    /// let hub = Hub::memory();
    /// let mut orders = hub.subscribe("orders")?.no_positions().deliveries();
    /// hub.publish("orders", Event::json([1, 2])).await?;
    /// match orders.next().await {
    ///     Some(Delivery::Message(order)) => assert_eq!(order.json::<Vec<u8>>()?, [1, 2]),
    ///     other => panic!("{other:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn deliveries(self) -> Deliveries {
        Deliveries(self)
    }

    fn poll_delivery(&mut self, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        if self.phase == Phase::Over {
            return Poll::Ready(None);
        }
        if self.shared.node.is_some() {
            // Before it is looked at what is there: all up to this will have been looked at.
            let (epoch, last) = self.shared.ledger.now();
            if self.start.is_some() || epoch == self.epoch {
                (self.epoch, self.subscribed) = (epoch, last);
            }
        }
        if self.start.is_some() {
            if let Some(reason) = ready!(self.poll_begin(cx)) {
                let gap = self.gap(reason, None);
                // If nothing is kept, it goes on from where the hub is now.
                self.phase = Phase::Opening;
                return Poll::Ready(Some(gap));
            }
        }
        for _ in 0..MESSAGES_AT_ONCE {
            let Poll::Ready(piece) = self.merge.poll_next(cx, &self.shared) else {
                self.tally.flush(&self.shared.counts);
                if self.is_lost() {
                    self.begin_anew();
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                return self.poll_position(cx).map(Some);
            };
            match piece {
                Piece::Message {
                    message,
                    is_from_history,
                } => {
                    self.position = message.sequence();
                    if self.filter.as_ref().is_none_or(|filter| filter(&message)) {
                        return Poll::Ready(Some(self.deliver(message, is_from_history)));
                    }
                }
                Piece::Hole(hole) => {
                    self.position = self.position.max(hole.up_to);
                    let missed = hole.missed.filter(|_| self.filter.is_none());
                    return Poll::Ready(Some(self.gap(hole.reason, missed)));
                }
                Piece::Cut => {
                    let is_opening = self.phase == Phase::Opening;
                    self.phase = Phase::Over;
                    self.let_go();
                    return Poll::Ready(if is_opening { self.position() } else { None });
                }
            }
        }
        if self.has_to_tell() && self.told_at.elapsed() >= POSITION_EVERY {
            self.phase = Phase::Open;
            return Poll::Ready(self.position());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Sets the sources to where the client wants to go on. Answers what it has to be told first.
    fn poll_begin(&mut self, cx: &mut Context<'_>) -> Poll<Option<GapReason>> {
        let Some(mut start) = self.start.take() else {
            return Poll::Ready(None);
        };
        if self.poll_start(&mut start, cx).is_pending() {
            self.start = Some(start);
            return Poll::Pending;
        }
        Poll::Ready(self.begin(&start))
    }

    /// Waits for what has to be known of an engine's topics.
    fn poll_start(&mut self, start: &mut Start, cx: &mut Context<'_>) -> Poll<()> {
        let Some(node) = &self.shared.node else {
            return Poll::Ready(());
        };
        // Before they are looked at, as everything that is here by then is up to this.
        let mut are_attached = true;
        for source in &mut self.merge.sources {
            are_attached &= source.poll_attached(cx) == Poll::Ready(true);
        }
        if self.is_lost() {
            self.attach_anew();
            start.places.clear();
            start.newest = None;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !are_attached {
            return Poll::Pending;
        }
        let sources = &mut self.merge.sources.iter();
        if !sources.all(|source| source.topic.epoch() == Some(self.epoch)) {
            // In the middle of a loss: numbers of before it are not to be told as those of now.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let known = start.after.id().and_then(|id| position::parse(id.as_str()));
        let is_ahead = known.is_some_and(|(epoch, sequence)| {
            epoch == self.epoch && sequence > self.shared.ledger.last()
        });
        // Other nodes may be ahead of this one.
        if is_ahead || start.asked.is_some() {
            let asked = start.asked.get_or_insert_with(|| node.frontier());
            ready!(asked.poll(cx));
        }
        if let (true, Beginning::Recent(count @ 1..)) = (start.is_new(), start.beginning) {
            let now = self.now(start);
            for source in &self.merge.sources[start.places.len()..] {
                let up_to = source.attached().sequence.min(now);
                let read = &mut start.newest;
                let place = source.poll_place_before_newest(count, up_to, read, cx, &self.shared);
                start.places.push(ready!(place));
            }
        }
        Poll::Ready(())
    }

    /// Behind which all that comes is for whoever asks for what comes: of all topics from the same
    /// place. An engine's are opened one after another, and are not all up to the same place. Where
    /// one of them has something already, the others begin there as well.
    fn now(&self, start: &Start) -> u64 {
        if self.shared.node.is_none() {
            return self.subscribed;
        }
        // A number of before a loss says nothing of what there is now.
        let (epoch, since) = start.since;
        let since = if epoch == self.epoch { since } else { 0 };
        let sources = self.merge.sources.iter();
        let attached = sources.clone().map(|source| source.attached().sequence);
        let newest = attached.fold(since, u64::max);
        let firsts = sources.filter_map(|source| source.topic.begins_behind(source.attached()));
        firsts
            .min()
            .map_or(newest, |first| newest.min(first.max(since)))
    }

    fn begin(&mut self, start: &Start) -> Option<GapReason> {
        let ledger = &self.shared.ledger;
        let known = start.after.id().map(|id| position::parse(id.as_str()));
        let (position, stranger) = match known {
            _ if start.is_lost => (0, Some(GapReason::Outage)),
            None if start.after.is_malformed() => (0, Some(GapReason::Unknown)),
            None if matches!(start.beginning, Beginning::First) => (0, None),
            None => (self.now(start), None),
            Some(Some((epoch, sequence))) if epoch == self.epoch => {
                if sequence <= ledger.last() {
                    (sequence, None)
                } else {
                    (0, Some(GapReason::Unknown))
                }
            }
            Some(Some(_)) => (0, Some(GapReason::Foreign)),
            Some(None) => (0, Some(GapReason::Unknown)),
        };
        let is_new = start.is_new();
        let is_of_engine = self.shared.node.is_some();
        // One gap says it all.
        let if_missing = stranger.map_or(Some(GapReason::Evicted), |_| None);
        self.position = position;
        for (at, source) in self.merge.sources.iter_mut().enumerate() {
            let attached = source.attached();
            if let (true, Beginning::Recent(count @ 1..)) = (is_new, start.beginning) {
                // Those behind `subscribed` are its own anyway, and don't count.
                let place = start.places.get(at).copied();
                let from = place.unwrap_or_else(|| {
                    let topic = &source.topic;
                    topic.place_before_newest(count, position, ledger).0
                });
                source.begin_at(from, if_missing);
                self.position = self.position.min(from.sequence);
            } else if position < attached.sequence || position > self.subscribed {
                source.begin_at(source.topic.place(position), if_missing);
            } else {
                // Between the topic's last message and the moment of subscribing there was none. Of
                // an engine's topic there may be some, which a client with this id has seen.
                let is_counted = !is_of_engine || position == attached.sequence;
                let count = attached.count.filter(|_| is_counted);
                source.begin_at(
                    Mark {
                        sequence: position,
                        count,
                    },
                    if_missing,
                );
            }
        }
        // A client's own id need not be told to it.
        self.told = (!is_new).then_some(position);
        stranger
    }

    /// Whether the engine has lost a topic, and it has nothing more to give.
    fn is_lost(&self) -> bool {
        self.shared.node.is_some() && self.merge.sources.iter().any(Source::is_lost)
    }

    /// Begins with everything that the engine has now, which is nothing of what it had.
    fn begin_anew(&mut self) {
        self.attach_anew();
        self.start = Some(Box::new(Start {
            is_lost: true,
            ..Start::with(Beginning::First, (self.epoch, 0))
        }));
    }

    /// Attaches to the topics as they are now.
    fn attach_anew(&mut self) {
        let topics = self.merge.sources.iter().map(|source| &source.topic.name);
        let names: Vec<_> = topics.cloned().collect();
        self.let_go();
        for name in names {
            match self.shared.attach(&name) {
                Ok((topic, receiver, attached)) => self.add(Source::new(topic, receiver, attached)),
                Err(error) => {
                    tracing::warn!(
                        target: TARGET,
                        topic = &*name,
                        error = &error as &dyn std::error::Error,
                        "a stream ends, since its topic can't be had again",
                    );
                    self.phase = Phase::Over;
                    self.let_go();
                    return;
                }
            }
        }
    }

    fn deliver(&mut self, message: Message, is_from_history: bool) -> Delivery {
        self.phase = match &self.end_after {
            Some(is_last) if is_last(&message) => Phase::Over,
            _ => Phase::Open,
        };
        self.tally.delivered += 1;
        self.tally.replayed += u64::from(is_from_history);
        if self.phase == Phase::Over {
            self.let_go();
        }
        self.tell();
        Delivery::Message(message)
    }

    fn gap(&mut self, reason: GapReason, missed: Option<u64>) -> Delivery {
        self.phase = Phase::Open;
        self.shared.counts.gap(reason);
        tracing::debug!(
            target: TARGET,
            reason = reason.as_str(),
            missed,
            "a subscriber was told of a gap",
        );
        self.tell();
        Delivery::Gap(Gap {
            reason,
            missed,
            id: self.id(),
        })
    }

    /// The position, where the client needs to know it and nothing else tells it.
    fn poll_position(&mut self, cx: &mut Context<'_>) -> Poll<Delivery> {
        if self.merge.is_waiting() {
            return Poll::Pending;
        }
        // Nothing is left of what was there before.
        self.position = self.position.max(self.subscribed);
        if !self.sends_positions {
            return Poll::Pending;
        }
        let is_due = match self.phase {
            Phase::Opening => true,
            Phase::Open if self.shared.node.is_some() => self.poll_alarm(cx).is_ready(),
            Phase::Open => self.has_to_tell() && self.poll_alarm(cx).is_ready(),
            Phase::Over => false,
        };
        if !is_due {
            return Poll::Pending;
        }
        self.phase = Phase::Open;
        self.position().map_or(Poll::Pending, Poll::Ready)
    }

    /// Waits until the client may be told its position again.
    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let due = self.told_at + self.position_every();
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(Alarm::new()));
            ready!(alarm.as_mut().poll_until(due, cx));
            if self.told < Some(self.position) {
                return Poll::Ready(());
            }
            // The engine goes on, and wakes nobody to whom it has nothing to give.
            self.told_at = Instant::now();
        }
    }

    /// An id that is older than what the engine keeps proves nothing any more: a client of an
    /// engine's quiet topic is told a newer one in time.
    fn position_every(&self) -> Duration {
        match self.filter {
            Some(_) => POSITION_EVERY,
            None => POSITION_AT_MOST_EVERY.max(self.shared.settings.history.age / 4),
        }
    }

    /// Whether a filter has let the position run ahead of what the client knows.
    fn has_to_tell(&self) -> bool {
        self.sends_positions && self.filter.is_some() && self.told < Some(self.position)
    }

    /// The position, if the client does not know it and is to know it.
    fn position(&mut self) -> Option<Delivery> {
        if !self.sends_positions || self.told == Some(self.position) {
            return None;
        }
        self.tell();
        Some(Delivery::Position(self.id()))
    }

    /// Notes that the client is about to know the position.
    fn tell(&mut self) {
        self.told = Some(self.position);
        if self.filter.is_some() || self.shared.node.is_some() {
            self.told_at = Instant::now();
        }
    }

    /// Leaves the topics: one that is over has nothing to hold while its client takes the rest.
    fn let_go(&mut self) {
        self.tally.flush(&self.shared.counts);
        for source in self.merge.sources.drain(..) {
            let (topic, receiver) = source.into_parts();
            self.shared.detach(topic, receiver);
        }
    }

    fn id(&self) -> EventId {
        self.epoch.id(self.position)
    }
}

impl Start {
    /// Without an id.
    fn with(beginning: Beginning, since: (Epoch, u64)) -> Self {
        Self {
            after: LastEventId::default(),
            beginning,
            since,
            is_lost: false,
            asked: None,
            places: Vec::new(),
            newest: None,
        }
    }

    /// Whether the client has seen nothing yet.
    fn is_new(&self) -> bool {
        self.after.id().is_none() && !self.after.is_malformed() && !self.is_lost
    }
}

impl Stream for Subscription {
    type Item = Frame;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        self.poll_delivery(cx).map(|delivery| {
            Some(match delivery? {
                Delivery::Message(message) => message.frame().clone(),
                Delivery::Gap(gap) => gap.frame(&self.shared.settings.gap_event),
                Delivery::Position(id) => Frame::position(&id),
            })
        })
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.let_go();
        self.shared.counts.unsubscribed();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let topics = self.merge.sources.iter().map(|source| &source.topic.name);
        f.debug_struct("Subscription")
            .field("topics", &topics.collect::<Vec<_>>())
            .field("position", &self.id())
            .finish_non_exhaustive()
    }
}

/// A [`Subscription`] as a stream of [`Delivery`]s.
#[derive(Debug)]
pub struct Deliveries(Subscription);

impl Stream for Deliveries {
    type Item = Delivery;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        self.0.poll_delivery(cx)
    }
}
