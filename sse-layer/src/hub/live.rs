//! The queue of a topic that somebody is subscribed to.

use std::collections::VecDeque;

use async_broadcast::{Receiver, Sender, TrySendError, broadcast};

use super::message::Message;

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
    bounds: QueueBounds,
    /// How many places the queue has by now.
    places: usize,
    /// The sizes of the newest messages: at least of those in the queue.
    sizes: VecDeque<usize>,
    /// The sum of them.
    bytes: usize,
}

impl Live {
    pub(super) fn new(bounds: QueueBounds) -> (Self, Receiver<Message>) {
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
            bounds,
            places,
            sizes: VecDeque::new(),
            bytes: 0,
        };
        (live, receiver)
    }

    pub(super) fn receiver(&self) -> Receiver<Message> {
        self.sender.new_receiver()
    }

    pub(super) fn send(&mut self, message: Message) {
        let size = message.cost();
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

#[cfg(test)]
mod tests {
    use async_broadcast::TryRecvError;
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

    fn received(receiver: &mut Receiver<Message>) -> (u64, Vec<u64>) {
        let (mut lost, mut got) = (0, Vec::new());
        loop {
            match receiver.try_recv() {
                Ok(message) => got.push(message.sequence()),
                Err(TryRecvError::Overflowed(count)) => lost += count,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return (lost, got),
            }
        }
    }

    #[test]
    fn a_queue_grows_to_its_bound_and_then_drops_the_oldest() {
        for events in [1, 2, 15, 16, 17, 100, 128] {
            let bytes = usize::MAX;
            let (mut live, mut slow) = Live::new(QueueBounds { events, bytes });
            for sequence in 1..=200 {
                live.send(message(sequence, 10));
            }
            let (lost, got) = received(&mut slow);
            assert_eq!(lost, 200 - events as u64, "{events}");
            assert_eq!(got, (201 - events as u64..=200).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_queue_of_no_places_has_one() {
        let bounds = QueueBounds {
            events: 0,
            bytes: 0,
        };
        let (mut live, mut slow) = Live::new(bounds);
        live.send(message(1, 10));
        live.send(message(2, 10));
        assert_eq!(received(&mut slow), (1, vec![2]));
    }

    #[test]
    fn bytes_bound_a_queue_as_places_do() {
        let size = message(1, 1000).cost();
        let bounds = QueueBounds {
            events: 1000,
            bytes: 10 * size,
        };
        let (mut live, mut slow) = Live::new(bounds);
        for sequence in 1..=100 {
            live.send(message(sequence, 1000));
            assert!(live.sender.len() <= 10);
        }
        assert_eq!(received(&mut slow), (90, (91..=100).collect()));
        // One that is larger than all of it stays alone.
        live.send(message(101, 10));
        live.send(message(102, 20 * size));
        assert_eq!(received(&mut slow), (1, vec![102]));
    }

    #[test]
    fn what_all_have_read_counts_no_more() {
        let size = message(1, 1000).cost();
        let bounds = QueueBounds {
            events: 1000,
            bytes: 10 * size,
        };
        let (mut live, mut reader) = Live::new(bounds);
        for round in 0..50 {
            for at in 1..=7 {
                live.send(message(round * 7 + at, 1000));
            }
            let (lost, got) = received(&mut reader);
            assert_eq!((lost, got.len()), (0, 7));
        }
        assert!(live.sizes.len() <= 11);
    }
    #[test]
    fn a_queue_that_is_read_at_once_stays_small() {
        let (mut live, mut reader) = Live::new(QueueBounds {
            events: 1024,
            bytes: usize::MAX,
        });
        for sequence in 1..=5000 {
            live.send(message(sequence, 10));
            assert_eq!(received(&mut reader), (0, vec![sequence]));
        }
        assert_eq!(live.places, AT_FIRST);
        assert!(live.sizes.capacity() <= 2 * AT_FIRST);
    }
}
