//! What was published, for each stream that is open.

use futures_util::{Stream, StreamExt as _};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

/// What was published, for each stream that is open.
#[derive(Clone)]
pub(super) struct Feed(broadcast::Sender<String>);

impl Feed {
    pub(super) fn new() -> Self {
        Self(broadcast::Sender::new(64))
    }

    pub(super) fn publish(&self, text: String) {
        // An error only says that nobody listens.
        let _ = self.0.send(text);
    }

    pub(super) fn subscribe(&self) -> impl Stream<Item = String> + Send + Sync + use<> {
        let texts = BroadcastStream::new(self.0.subscribe());
        texts.filter_map(|text| std::future::ready(text.ok()))
    }

    /// The streams that are open, in JSON.
    pub(super) fn stats(&self) -> String {
        format!(r#"{{"open": {}}}"#, self.0.receiver_count())
    }
}
