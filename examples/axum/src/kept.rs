//! What was published before, wherever: by this node, by another one, or by one that is gone.

use std::time::Duration;

use futures_util::StreamExt as _;
use sse_layer::hub::{Delivery, Hub, Message, TopicError};
use tokio::time::timeout;

/// For how long it is read. What has not come by then is read the next time.
const BOUND: Duration = Duration::from_secs(5);

/// The newest messages of a topic, in order, so many at most.
pub(crate) async fn newest_of(
    hub: &Hub,
    topic: &str,
    count: usize,
) -> Result<Vec<Message>, TopicError> {
    let Some(newest) = hub.newest(topic).await? else {
        return Ok(Vec::new());
    };
    let newest = newest.id();
    let messages = hub.subscribe(topic)?.recent(count);
    let mut messages = messages.no_positions().deliveries();
    let mut read = Vec::new();
    let reading = async {
        while let Some(delivery) = messages.next().await {
            let Delivery::Message(message) = delivery else {
                continue;
            };
            let is_newest = message.id() == newest;
            read.push(message);
            // What is newer still may have taken its place.
            if is_newest || read.len() == count {
                return;
            }
        }
    };
    // Cut short, it is what there was in that time.
    let _ = timeout(BOUND, reading).await;
    Ok(read)
}
