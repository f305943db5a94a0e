//! A topic of an engine, as a node knows it: complete from the place where it was opened, or behind
//! what it has heard of until it has read that.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::Instant;

use super::{State, Topic};
use crate::{
    backplane::{Page, Stored},
    hub::{
        history::{History, Shelf},
        ledger::Ledger,
        live::Live,
        message::{Draft, Mark, Message},
        node,
        position::Epoch,
        shared::Shared,
        waiting::Woken,
    },
};

/// How long a topic is listened to without subscribers: clients that were cut off come back.
const LINGER: Duration = Duration::from_secs(15);

/// All that was published is here, but for what is on its way.
pub(super) const CURRENT: u8 = 0;
/// It is not known from where it is complete.
const OPENING: u8 = 1;
/// Something is missing that is yet to be read.
const BEHIND: u8 = 2;
/// The engine has lost what it held, and this topic was of what was lost.
const LOST: u8 = 3;

/// What a topic has beside its history and its queue if it is an engine's.
pub(super) struct Cache {
    /// From where it is complete.
    opened: Option<Mark>,
    /// Of which all that is here is.
    epoch: Option<Epoch>,
    /// The newest number that is no event's, which nobody is given.
    passed: u64,
    /// The newest number that was heard of.
    newest: u64,
    /// Whether something is missing, and up to where nothing is: that may be far behind the topic's
    /// newest message, for which an engine no longer knows that nothing followed it.
    is_behind: bool,
    whole_up_to: u64,
    /// Whether the engine is away, or was and what it has is not asked for yet.
    is_cut_off: bool,
    /// How often the engine was away or back. What was read before that says nothing of what came
    /// after.
    outages: u64,
    is_refilled: bool,
    pub(super) idle_since: Instant,
    /// How often it could not be opened.
    attempts: u32,
}

/// What a topic that is behind has to be given.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) struct Missing {
    /// Everything up to this number is here.
    pub(in crate::hub) after: u64,
    outages: u64,
}

/// What became of a message from the engine.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::hub) enum Fed {
    Taken,
    /// It is older than what is here, or the topic is not open, or is behind already.
    Ignored,
    /// Something before it is missing.
    Hole,
}

/// What became of a page that was read for a topic that is behind.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::hub) enum Refilled {
    Somewhat,
    NotAtAll,
    /// It is of another epoch.
    Foreign,
}

impl Cache {
    pub(super) fn is_open(&self) -> bool {
        self.opened.is_some()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.idle_since.elapsed() >= LINGER
    }
}

impl Topic {
    /// A topic of an engine, which has to be opened.
    pub(in crate::hub) fn of_engine(name: Arc<str>, history: History) -> Self {
        let topic = Self::new(name, history, 0);
        topic.state().cache = Some(Cache {
            opened: None,
            epoch: None,
            passed: 0,
            newest: 0,
            is_behind: false,
            whole_up_to: 0,
            is_cut_off: false,
            outages: 0,
            is_refilled: false,
            idle_since: Instant::now(),
            attempts: 0,
        });
        topic.standing.store(OPENING, Ordering::SeqCst);
        topic
    }

    /// Whether all that was published is here, as far as there will be anything.
    pub(in crate::hub) fn is_settled(&self) -> bool {
        matches!(self.standing.load(Ordering::SeqCst), CURRENT | LOST)
    }

    /// Whether it is not open yet, and was not refused either.
    pub(in crate::hub) fn is_about_to_open(&self) -> bool {
        let is_new = |cache: &Cache| !cache.is_open() && cache.attempts == 0;
        self.standing.load(Ordering::SeqCst) == OPENING
            && self.state().cache.as_ref().is_some_and(is_new)
    }

    /// Whether the hub has it no more.
    pub(in crate::hub) fn is_gone(&self) -> bool {
        self.state().is_gone
    }

    pub(in crate::hub) fn epoch(&self) -> Option<Epoch> {
        self.state().cache.as_ref()?.epoch
    }

    pub(in crate::hub) fn is_lost(&self) -> bool {
        self.standing.load(Ordering::SeqCst) == LOST
    }

    /// From where it is complete, if it is open.
    pub(in crate::hub) fn opened(&self) -> Option<Mark> {
        self.state().cache.as_ref()?.opened
    }

    /// Counts the attempts to open it.
    pub(in crate::hub) fn attempt(&self) -> u32 {
        let mut state = self.state();
        state.cache.as_mut().map_or(0, |cache| {
            cache.attempts = cache.attempts.saturating_add(1);
            cache.attempts
        })
    }

    /// Opens it: it is complete from behind this number. What was there before is the engine's.
    /// If the engine was away since, what has come meanwhile is missing.
    pub(in crate::hub) fn open(
        &self,
        epoch: Epoch,
        sequence: u64,
        was_away: impl FnOnce() -> bool,
    ) {
        let mut state = self.state();
        let history = state.shelf.bounds();
        if state.is_gone {
            return;
        }
        let Some(cache) = state.cache.as_mut().filter(|cache| cache.opened.is_none()) else {
            return;
        };
        let place = Mark {
            sequence,
            count: Some(0),
        };
        cache.opened = Some(place);
        cache.epoch = Some(epoch);
        cache.is_cut_off = was_away();
        cache.is_behind = cache.is_cut_off || cache.newest > sequence;
        self.stand(cache);
        state.shelf = Shelf::new(history, sequence);
        state.end = place;
        let waiting = state.live.as_ref().map(Live::nudge);
        drop(state);
        waiting.into_iter().for_each(Woken::wake);
    }

    /// Takes a message from the engine.
    pub(in crate::hub) fn feed(
        &self,
        epoch: Epoch,
        stored: Stored,
        draft: Result<Draft, &'static str>,
        ledger: &Ledger,
    ) -> Fed {
        let mut state = self.state();
        let (end, is_gone) = (state.reached(), state.is_gone);
        let Some(cache) = &mut state.cache else {
            return Fed::Ignored;
        };
        cache.newest = cache.newest.max(stored.sequence);
        if is_gone || cache.epoch != Some(epoch) || stored.sequence <= end {
            return Fed::Ignored;
        }
        // Of one before which none is known, something may be forgotten that is missing here.
        if stored.previous > end || (stored.previous == 0 && cache.is_behind) {
            let is_first = !cache.is_behind;
            cache.is_behind = true;
            self.stand(cache);
            return if is_first { Fed::Hole } else { Fed::Ignored };
        }
        let waiting = state.take(&self.name, stored.sequence, draft, ledger);
        drop(state);
        waiting.into_iter().for_each(Woken::wake);
        Fed::Taken
    }

    /// The engine is away: what is published behind this number may not come.
    pub(in crate::hub) fn fall_behind(&self, whole_up_to: u64) {
        let mut state = self.state();
        if let Some(cache) = state.cache.as_mut().filter(|cache| cache.is_open()) {
            if !cache.is_behind {
                cache.whole_up_to = whole_up_to;
            }
            cache.is_behind = true;
            cache.is_cut_off = true;
            cache.outages += 1;
            self.stand(cache);
        }
    }

    /// The engine is back, if it still is, and what it has from now on is all that was missed.
    pub(in crate::hub) fn come_back(&self, is_back: impl FnOnce() -> bool) {
        let mut state = self.state();
        if let Some(cache) = state.cache.as_mut().filter(|cache| cache.is_cut_off) {
            if is_back() {
                cache.is_cut_off = false;
                cache.outages += 1;
            }
        }
    }

    /// Answers whether the topic is behind, and nobody else is about to change that.
    pub(in crate::hub) fn begin_refill(&self) -> bool {
        let mut state = self.state();
        let is_gone = state.is_gone;
        let Some(cache) = &mut state.cache else {
            return false;
        };
        let begins = cache.is_behind && !cache.is_cut_off && !cache.is_refilled && !is_gone;
        cache.is_refilled |= begins;
        begins
    }

    pub(in crate::hub) fn end_refill(&self) {
        if let Some(cache) = &mut self.state().cache {
            cache.is_refilled = false;
        }
    }

    /// What is missing, if the topic is behind and the engine there. If not, that ends the refill:
    /// in the lock, so that whatever is missing from then on begins another.
    pub(in crate::hub) fn missing(&self) -> Option<Missing> {
        let mut state = self.state();
        let (end, is_gone) = (state.reached(), state.is_gone);
        let cache = state.cache.as_mut()?;
        cache.is_refilled = cache.is_behind && !cache.is_cut_off && !is_gone;
        cache.is_refilled.then_some(Missing {
            after: end.max(cache.whole_up_to),
            outages: cache.outages,
        })
    }

    /// Takes what was read of what is missing. If it is the last attempt, what has not come is lost.
    pub(in crate::hub) fn refill(
        &self,
        missing: Missing,
        page: Page,
        is_last: bool,
        shared: &Shared,
    ) -> Refilled {
        let ledger = &shared.ledger;
        let max = shared.settings.max_event_bytes;
        let mut state = self.state();
        let is_here = |cache: &Cache| cache.epoch == Some(Epoch::of(page.epoch));
        if state.is_gone || !state.cache.as_ref().is_some_and(is_here) {
            return Refilled::Foreign;
        }
        let before = state.reached();
        // What is read may be ahead of what is handed over, and then of other topics of a stream as
        // well. That is yet to come by itself.
        let handed_over = ledger.last();
        let is_ahead = page.messages.last();
        let is_ahead = is_ahead.is_some_and(|last| last.sequence > handed_over);
        let mut waiting = Vec::new();
        if let Some(missing) = page.missing {
            let missing = missing.min(handed_over);
            waiting.extend(state.lose_up_to(&self.name, missing, ledger));
        }
        for stored in page.messages {
            if stored.sequence > state.reached() && stored.sequence <= handed_over {
                // What is told of the first may be the number that was read from.
                if stored.previous > state.reached().max(missing.after) {
                    waiting.extend(state.lose_up_to(&self.name, stored.previous, ledger));
                }
                let draft = node::draft(&stored.frame, max);
                waiting.extend(state.take(&self.name, stored.sequence, draft, ledger));
            }
        }
        let cache = state.cache.as_ref();
        let newest = cache.map_or(0, |cache| cache.newest);
        let is_of_now =
            cache.is_some_and(|cache| cache.outages == missing.outages && !cache.is_cut_off);
        let has_more = page.has_more && !is_ahead;
        if is_last && !has_more && newest > state.reached() {
            waiting.extend(state.lose_up_to(&self.name, newest, ledger));
        }
        let is_whole = is_of_now && !has_more && newest <= state.reached();
        let has_grown = state.reached() > before;
        if let Some(cache) = state.cache.as_mut().filter(|_| is_whole) {
            cache.is_behind = false;
            self.stand(cache);
            waiting.extend(state.live.as_ref().map(Live::nudge));
        }
        drop(state);
        waiting.into_iter().for_each(Woken::wake);
        match is_whole || has_grown || !is_of_now {
            true => Refilled::Somewhat,
            false => Refilled::NotAtAll,
        }
    }

    /// Gives the topic up: the engine has lost it. Its subscribers take what is queued, and then ask
    /// for it anew.
    pub(in crate::hub) fn lose(&self, ledger: &Ledger) {
        let mut state = self.state();
        state.is_gone = true;
        state.clear(ledger);
        self.standing.store(LOST, Ordering::SeqCst);
        let waiting = state.live.as_ref().map(Live::nudge);
        drop(state);
        waiting.into_iter().for_each(Woken::wake);
    }

    /// Keeps nothing any more of what the engine has.
    pub(in crate::hub) fn clear(&self, ledger: &Ledger) {
        self.state().clear(ledger);
    }

    fn stand(&self, cache: &Cache) {
        if !self.is_lost() {
            let standing = if cache.is_behind { BEHIND } else { CURRENT };
            self.standing.store(standing, Ordering::SeqCst);
        }
    }
}

impl State {
    /// Everything up to this number was given, or is known not to be there.
    fn reached(&self) -> u64 {
        let passed = self.cache.as_ref().map_or(0, |cache| cache.passed);
        self.end.sequence.max(passed)
    }

    fn clear(&mut self, ledger: &Ledger) {
        ledger.release(self.shelf.bytes());
        self.shelf = Shelf::new(self.shelf.bounds(), self.end.sequence);
    }

    /// Takes the next message from the engine, if it is one.
    fn take(
        &mut self,
        topic: &Arc<str>,
        sequence: u64,
        draft: Result<Draft, &'static str>,
        ledger: &Ledger,
    ) -> Option<Woken> {
        let draft = match draft {
            Ok(draft) => draft,
            Err(reason) => {
                tracing::error!(
                    target: crate::observe::TARGET,
                    topic = &**topic,
                    sequence,
                    reason,
                    "what was published is no event, and nobody gets it",
                );
                // For those who read, it is as if it had never been there.
                if let Some(cache) = &mut self.cache {
                    cache.passed = sequence;
                }
                return None;
            }
        };
        let epoch = self.cache.as_ref().and_then(|cache| cache.epoch)?;
        let now = Instant::now();
        ledger.release(self.shelf.expire(now));
        let cost = draft.cost();
        let is_kept = self.shelf.keeps(cost) && self.make_room(cost, true, cost, ledger);
        let name = Arc::clone(topic);
        let message = draft.publish(epoch, name, sequence, self.end, now);
        self.end = message.behind();
        if is_kept {
            self.shelf.keep(message.clone());
        } else {
            ledger.release(self.shelf.pass(&message));
        }
        self.live.as_mut().map(|live| live.send(message))
    }

    /// What there was up to this number is lost. Whoever comes to this place in the queue is told.
    fn lose_up_to(&mut self, topic: &Arc<str>, sequence: u64, ledger: &Ledger) -> Option<Woken> {
        if sequence <= self.reached() {
            return None;
        }
        let name = Arc::clone(topic);
        let told = Message::of_loss(name, sequence, self.end);
        ledger.release(self.shelf.pass(&told));
        // How many they were is not known.
        self.end = Mark {
            sequence,
            count: None,
        };
        self.live.as_mut().map(|live| live.send(told))
    }
}
