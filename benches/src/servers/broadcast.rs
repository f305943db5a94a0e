//! The broadcast of those that have none of their own: tokio's, as their examples show it.

use tokio::sync::broadcast;
use tokio_stream::{
    StreamExt as _,
    adapters::FilterMap,
    wrappers::{BroadcastStream, errors::BroadcastStreamRecvError},
};

/// How many events a broadcast keeps for those that are slow, in the hub too.
pub(super) const CAPACITY: usize = 1024;

#[derive(Clone, Debug)]
pub(super) struct Broadcast<M>(broadcast::Sender<M>);

/// What is published from now on. A subscriber that is too slow misses messages, of which nobody is
/// told.
pub(super) type Subscribed<M> =
    FilterMap<BroadcastStream<M>, fn(Result<M, BroadcastStreamRecvError>) -> Option<M>>;

impl<M> Broadcast<M>
where
    M: Clone + Send + 'static,
{
    pub(super) fn new() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }

    pub(super) fn publish(&self, message: M) {
        // That nobody is there is no error.
        drop(self.0.send(message));
    }

    pub(super) fn subscribe(&self) -> Subscribed<M> {
        BroadcastStream::new(self.0.subscribe()).filter_map(Result::ok)
    }
}
