//! The broadcast of those that have none of their own: tokio's, as their examples show it.

use tokio::sync::broadcast;
use tokio_stream::{Stream, StreamExt as _, wrappers::BroadcastStream};

/// How many events a broadcast keeps for those that are slow, in the hub too.
pub(super) const CAPACITY: usize = 1024;

#[derive(Clone, Debug)]
pub(super) struct Broadcast<M>(broadcast::Sender<M>);

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

    /// What is published from now on. A subscriber that is too slow misses messages, of which
    /// nobody is told: so it is with `BroadcastStream` in axum's and tokio's examples.
    pub(super) fn subscribe(&self) -> impl Stream<Item = M> + Send + Sync + Unpin + use<M> {
        BroadcastStream::new(self.0.subscribe()).filter_map(Result::ok)
    }
}
