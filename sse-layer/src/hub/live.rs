//! The queue of a topic that somebody is subscribed to.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll},
};

use async_broadcast::{Sender, TryRecvError, TrySendError, broadcast};

use super::{
    message::Message,
    waiting::{Place, Waiting, Woken},
};

/// How much a topic's queue may hold for its slowest subscriber.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueueBounds {
    pub(super) events: usize,
    pub(super) bytes: usize,
}

/// So many places a queue has room for at first: most topics are read as fast as they are
/// published to.
const AT_FIRST: usize = 16;

/// One queue for all subscribers. It grows with what its slowest subscriber leaves in it, up to
/// its bounds, and then drops the oldest.
pub(super) struct Live {
    sender: Sender<Message>,
    waiting: Arc<Waiting>,
    bounds: QueueBounds,
    /// How many places the queue has by now.
    places: usize,
    /// The sizes of the newest messages: at least of those in the queue.
    sizes: VecDeque<usize>,
    /// The sum of them.
    bytes: usize,
}

/// What one subscriber has yet to read.
pub(super) struct Receiver {
    receiver: async_broadcast::Receiver<Message>,
    /// The number of the newest message that it knows of.
    seen: u64,
    waiting: Arc<Waiting>,
    place: Option<Place>,
}

impl Live {
    /// A queue for messages that come after this one.
    pub(super) fn new(bounds: QueueBounds, newest: u64) -> (Self, Receiver) {
        let bounds = QueueBounds {
            // A channel has one place at least.
            events: bounds.events.max(1),
            ..bounds
        };
        let places = bounds.events.min(AT_FIRST);
        let (mut sender, receiver) = broadcast(places);
        sender.set_overflow(places == bounds.events);
        let live = Self {
            sender,
            waiting: Arc::new(Waiting::new(newest)),
            bounds,
            places,
            sizes: VecDeque::new(),
            bytes: 0,
        };
        let receiver = live.received_by(receiver);
        (live, receiver)
    }

    pub(super) fn receiver(&self) -> Receiver {
        self.received_by(self.sender.new_receiver())
    }

    fn received_by(&self, receiver: async_broadcast::Receiver<Message>) -> Receiver {
        Receiver {
            receiver,
            seen: self.waiting.newest(),
            waiting: Arc::clone(&self.waiting),
            place: None,
        }
    }

    /// Answers those who wait for it.
    pub(super) fn send(&mut self, message: Message) -> Woken {
        let (size, sequence) = (message.cost(), message.sequence());
        let mut message = message;
        while let Err(TrySendError::Full(back)) = self.sender.try_broadcast(message) {
            message = back;
            self.grow();
        }
        if self.sizes.len() == self.places {
            self.forget_oldest();
        }
        self.sizes.push_back(size);
        self.bytes += size;
        if self.bytes > self.bounds.bytes {
            self.shed();
        }
        self.waiting.came(sequence)
    }

    /// Has all look again who wait, though nothing has come: something else has changed.
    pub(super) fn nudge(&self) -> Woken {
        self.waiting.all()
    }

    fn grow(&mut self) {
        self.places = self.places.saturating_mul(2).min(self.bounds.events);
        self.sender.set_capacity(self.places);
        self.sender.set_overflow(self.places == self.bounds.events);
    }

    /// Drops the oldest messages until the others keep to the bytes, but for the newest.
    fn shed(&mut self) {
        // What all have read is not there any more.
        let queued = self.sender.len();
        while self.sizes.len() > queued {
            self.forget_oldest();
        }
        while self.bytes > self.bounds.bytes && self.sizes.len() > 1 {
            self.forget_oldest();
        }
        if self.sizes.len() < queued {
            self.sender.set_capacity(self.sizes.len());
            self.sender.set_capacity(self.places);
        }
    }

    fn forget_oldest(&mut self) {
        self.bytes -= self.sizes.pop_front().unwrap_or(0);
    }
}

impl Receiver {
    /// The next message that is still there. What was dropped shows in it.
    ///
    /// The queue's own way to wait takes an allocation a message, and wakes in its lock.
    #[inline]
    pub(super) fn poll_recv(&mut self, cx: &Context<'_>) -> Poll<Message> {
        if let Some(message) = self.try_recv() {
            return Poll::Ready(message);
        }
        self.waiting.wait(&mut self.place, cx.waker());
        // One that came before that has woken nobody here.
        self.try_recv().map_or(Poll::Pending, Poll::Ready)
    }

    /// Waits for whatever comes next.
    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        self.waiting.wait(&mut self.place, cx.waker());
    }

    #[inline]
    pub(super) fn try_recv(&mut self) -> Option<Message> {
        // Which spares the lock of a queue that is known to be empty.
        while self.seen < self.waiting.newest() {
            match self.receiver.try_recv() {
                Ok(message) => {
                    self.seen = message.sequence();
                    return Some(message);
                }
                Err(TryRecvError::Overflowed(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            }
        }
        None
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.waiting.leave(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        task::Wake,
    };

    use tokio::time::Instant;

    use super::*;
    use crate::hub::{
        message::{Draft, Mark},
        position::{Epoch, ID_LINE_MAX},
    };

    fn message(sequence: u64, len: usize) -> Message {
        let before = Mark {
            sequence: sequence - 1,
            count: Some(sequence - 1),
        };
        Draft(vec![b'x'; ID_LINE_MAX + len]).publish(
            Epoch::of(1),
            "t".into(),
            sequence,
            before,
            Instant::now(),
        )
    }

    fn live(bounds: QueueBounds) -> (Live, Receiver) {
        Live::new(bounds, 0)
    }

    fn send(live: &mut Live, message: Message) {
        live.send(message).wake();
    }

    fn received(receiver: &mut Receiver) -> Vec<u64> {
        std::iter::from_fn(|| receiver.try_recv())
            .map(|message| message.sequence())
            .collect()
    }

    #[test]
    fn a_queue_grows_to_its_bound_and_then_drops_the_oldest() {
        for events in [1, 2, 15, 16, 17, 100, 128] {
            let bytes = usize::MAX;
            let (mut live, mut slow) = live(QueueBounds { events, bytes });
            for sequence in 1..=200 {
                send(&mut live, message(sequence, 10));
            }
            let kept: Vec<_> = (201 - events as u64..=200).collect();
            assert_eq!(received(&mut slow), kept, "{events}");
        }
    }

    #[test]
    fn a_queue_of_no_places_has_one() {
        let bounds = QueueBounds {
            events: 0,
            bytes: 0,
        };
        let (mut live, mut slow) = live(bounds);
        send(&mut live, message(1, 10));
        send(&mut live, message(2, 10));
        assert_eq!(received(&mut slow), [2]);
    }

    #[test]
    fn bytes_bound_a_queue_as_places_do() {
        let size = message(1, 1000).cost();
        let bounds = QueueBounds {
            events: 1000,
            bytes: 10 * size,
        };
        let (mut live, mut slow) = live(bounds);
        for sequence in 1..=100 {
            send(&mut live, message(sequence, 1000));
            assert!(live.sender.len() <= 10);
        }
        assert_eq!(received(&mut slow), (91..=100).collect::<Vec<_>>());
        // One that is larger than all of it stays alone.
        send(&mut live, message(101, 10));
        send(&mut live, message(102, 20 * size));
        assert_eq!(received(&mut slow), [102]);
    }

    #[test]
    fn what_all_have_read_counts_no_more() {
        let size = message(1, 1000).cost();
        let bounds = QueueBounds {
            events: 1000,
            bytes: 10 * size,
        };
        let (mut live, mut reader) = live(bounds);
        for round in 0..50 {
            for at in 1..=7 {
                send(&mut live, message(round * 7 + at, 1000));
            }
            assert_eq!(received(&mut reader).len(), 7);
        }
        assert!(live.sizes.len() <= 11);
    }

    #[test]
    fn a_queue_that_is_read_at_once_stays_small() {
        let (mut live, mut reader) = live(QueueBounds {
            events: 1024,
            bytes: usize::MAX,
        });
        for sequence in 1..=5000 {
            send(&mut live, message(sequence, 10));
            assert_eq!(received(&mut reader), [sequence]);
        }
        assert_eq!(live.places, AT_FIRST);
        assert!(live.sizes.capacity() <= 2 * AT_FIRST);
    }

    #[test]
    fn a_queue_has_all_its_places_again_behind_a_large_message() {
        let size = message(1, 10).cost();
        let bounds = QueueBounds {
            events: 20,
            bytes: 30 * size,
        };
        let (mut live, mut reader) = live(bounds);
        for sequence in 1..=20 {
            send(&mut live, message(sequence, 10));
        }
        send(&mut live, message(21, 29 * size));
        assert_eq!(received(&mut reader), [21]);
        for sequence in 22..=41 {
            send(&mut live, message(sequence, 10));
        }
        assert_eq!(received(&mut reader), (22..=41).collect::<Vec<_>>());
    }

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl Task {
        fn woken(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }

        /// Whether there is a message for a task that is woken here.
        fn gets(self: &Arc<Self>, receiver: &mut Receiver) -> bool {
            let waker = Arc::clone(self).into();
            receiver.poll_recv(&Context::from_waker(&waker)).is_ready()
        }
    }

    const SOME: QueueBounds = QueueBounds {
        events: 100,
        bytes: usize::MAX,
    };

    #[test]
    fn those_who_wait_are_woken_once() {
        let (mut live, mut receiver) = live(SOME);
        let task = Arc::new(Task::default());
        assert!(!task.gets(&mut receiver) && !task.gets(&mut receiver));
        send(&mut live, message(1, 10));
        assert_eq!(task.woken(), 1);
        // One that has not looked since needs not be woken again.
        send(&mut live, message(2, 10));
        assert_eq!(task.woken(), 1);
        assert!(task.gets(&mut receiver) && task.gets(&mut receiver));
        assert!(!task.gets(&mut receiver));
        send(&mut live, message(3, 10));
        assert_eq!(task.woken(), 2);
    }

    #[test]
    fn only_the_task_that_looked_last_is_woken() {
        let (mut live, mut receiver) = live(SOME);
        let (before, now) = (Arc::new(Task::default()), Arc::new(Task::default()));
        assert!(!before.gets(&mut receiver) && !now.gets(&mut receiver));
        send(&mut live, message(1, 10));
        assert_eq!((before.woken(), now.woken()), (0, 1));
    }

    #[test]
    fn nobody_waits_who_has_left() {
        let (mut live, mut receiver) = live(SOME);
        let (task, other) = (Arc::new(Task::default()), Arc::new(Task::default()));
        for _ in 0..100 {
            assert!(!other.gets(&mut live.receiver()));
        }
        assert_eq!(live.waiting.count(), 0);
        // The place of one that was woken may be somebody else's by now.
        let mut leaves = live.receiver();
        assert!(!other.gets(&mut leaves));
        send(&mut live, message(1, 10));
        assert!(task.gets(&mut receiver) && !task.gets(&mut receiver));
        drop(leaves);
        send(&mut live, message(2, 10));
        assert_eq!((task.woken(), other.woken()), (1, 1));
    }
}
