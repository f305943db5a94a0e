//! What an engine's callers and its task share.

use std::{
    collections::{HashSet, VecDeque},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redis::{PushInfo, PushKind, RedisError, Value, aio::MultiplexedConnection};
use tokio::sync::{Notify, oneshot};

use super::{
    answer,
    failure::{failed, is_elsewhere, unavailable},
    keys::Keys,
};
use crate::backplane::{BackplaneError, Bounds, Inbox, Place};

/// Shared by the handle, the task and the calls under way.
pub(super) struct Shared {
    pub(super) keys: Keys,
    pub(super) bounds: Bounds,
    pub(super) timeout: Duration,
    /// The channel that is this node's alone.
    pub(super) node_channel: String,
    pub(super) inbox: Arc<dyn Inbox>,
    /// Requests wait.
    pub(super) asked: Notify,
    /// Someone waits for a frontier.
    pub(super) frontier_asked: Notify,
    elsewhere_told: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Where commands go, while there is a connection.
    commands: Option<MultiplexedConnection>,
    /// The topics that are listened to, also after a reconnect.
    topics: HashSet<Arc<str>>,
    requests: VecDeque<Request>,
    frontiers: Vec<Frontier>,
    marker: Option<Marker>,
    /// How many markers there were, over all connections: what an old one still brings is not
    /// taken for what a new one is asked for.
    markers: u64,
    /// The server has told that another one has to be asked.
    is_elsewhere: bool,
}

/// What a subscription is asked for.
pub(super) enum Request {
    Listen(Arc<str>, oneshot::Sender<Result<(), RedisError>>),
    Leave(Arc<str>),
}

/// A call that waits for a frontier.
pub(super) struct Frontier {
    pub(super) at_least: Place,
    pub(super) answer: oneshot::Sender<Result<Place, RedisError>>,
}

/// A marker on its way, and who is told when it comes.
struct Marker {
    number: u64,
    waiting: Vec<Frontier>,
    arrived: oneshot::Sender<()>,
}

/// How many topics go into one command.
pub(super) const BATCH: usize = 1000;

impl Shared {
    pub(super) fn new(
        keys: Keys,
        bounds: Bounds,
        timeout: Duration,
        inbox: Arc<dyn Inbox>,
    ) -> Self {
        Self {
            node_channel: keys.node_channel(fastrand::u64(..)),
            keys,
            bounds,
            timeout,
            inbox,
            asked: Notify::new(),
            frontier_asked: Notify::new(),
            elsewhere_told: Notify::new(),
            state: Mutex::default(),
        }
    }

    /// Where commands go.
    pub(super) fn commands(&self) -> Result<MultiplexedConnection, BackplaneError> {
        self.state().commands.clone().ok_or_else(unavailable)
    }

    /// An error of a command. It may tell that another server has to be asked.
    pub(super) fn failed(&self, error: RedisError) -> BackplaneError {
        if is_elsewhere(&error) {
            self.state().is_elsewhere = true;
            self.elsewhere_told.notify_one();
        }
        failed(error)
    }

    pub(super) fn listen(
        &self,
        topic: &str,
    ) -> Result<oneshot::Receiver<Result<(), RedisError>>, BackplaneError> {
        let (answer, answered) = oneshot::channel();
        let mut state = self.state();
        if state.commands.is_none() {
            return Err(unavailable());
        }
        state
            .requests
            .push_back(Request::Listen(topic.into(), answer));
        drop(state);
        self.asked.notify_one();
        Ok(answered)
    }

    pub(super) fn leave(&self, topic: &str) {
        let mut state = self.state();
        if state.commands.is_none() {
            state.topics.remove(topic);
            return;
        }
        state.requests.push_back(Request::Leave(topic.into()));
        drop(state);
        self.asked.notify_one();
    }

    /// Leaves a topic before anything else is done that was asked for.
    pub(super) fn leave_first(&self, topic: Arc<str>) {
        self.state().requests.push_front(Request::Leave(topic));
        self.asked.notify_one();
    }

    pub(super) fn frontier(
        &self,
        at_least: Place,
    ) -> Result<oneshot::Receiver<Result<Place, RedisError>>, BackplaneError> {
        let (answer, answered) = oneshot::channel();
        let mut state = self.state();
        if state.commands.is_none() {
            return Err(unavailable());
        }
        state.frontiers.push(Frontier { at_least, answer });
        drop(state);
        self.frontier_asked.notify_one();
        Ok(answered)
    }

    /// There is a connection, and it listens to these topics.
    pub(super) fn connected(&self, commands: MultiplexedConnection, topics: &[Arc<str>]) {
        let mut state = self.state();
        // Some may have been left since it was asked to listen to them.
        for topic in topics {
            if !state.topics.contains(topic) {
                state.requests.push_back(Request::Leave(topic.clone()));
            }
        }
        state.commands = Some(commands);
        state.is_elsewhere = false;
    }

    /// Resolves when the server has told that another one has to be asked.
    pub(super) async fn elsewhere(&self) {
        while !self.state().is_elsewhere {
            self.elsewhere_told.notified().await;
        }
    }

    /// There is no connection any more. Whoever waits is told by the end of its channel. Answers
    /// whether there was one.
    pub(super) fn disconnected(&self) -> bool {
        let mut state = self.state();
        let was_connected = state.commands.take().is_some();
        for request in mem::take(&mut state.requests) {
            if let Request::Leave(topic) = request {
                state.topics.remove(&topic);
            }
        }
        let waiting = (mem::take(&mut state.frontiers), state.marker.take());
        drop(state);
        drop(waiting);
        was_connected
    }

    /// All topics that are listened to.
    pub(super) fn topics(&self) -> Vec<Arc<str>> {
        self.state().topics.iter().cloned().collect()
    }

    pub(super) fn has_topic(&self, topic: &str) -> bool {
        self.state().topics.contains(topic)
    }

    pub(super) fn add_topic(&self, topic: Arc<str>) {
        self.state().topics.insert(topic);
    }

    pub(super) fn remove_topic(&self, topic: &str) {
        self.state().topics.remove(topic);
    }

    /// The requests that can be dealt with at once: of each topic one.
    pub(super) fn next_requests(&self) -> Vec<Request> {
        let mut state = self.state();
        let mut topics = HashSet::new();
        let mut batch = Vec::new();
        while batch.len() < BATCH {
            let Some(Request::Listen(topic, _) | Request::Leave(topic)) = state.requests.front()
            else {
                break;
            };
            if !topics.insert(topic.clone()) {
                break;
            }
            batch.extend(state.requests.pop_front());
        }
        batch
    }

    /// All who wait for a frontier.
    pub(super) fn next_frontiers(&self) -> Vec<Frontier> {
        mem::take(&mut self.state().frontiers)
    }

    /// A marker is about to be sent. Answers its number.
    pub(super) fn send_marker(&self, waiting: Vec<Frontier>) -> (u64, oneshot::Receiver<()>) {
        let (arrived, arrives) = oneshot::channel();
        let mut state = self.state();
        state.markers += 1;
        let number = state.markers;
        state.marker = Some(Marker {
            number,
            waiting,
            arrived,
        });
        (number, arrives)
    }

    /// The marker was not sent.
    pub(super) fn fail_marker(&self, error: &RedisError) {
        if let Some(marker) = self.state().marker.take() {
            for frontier in marker.waiting {
                let _ = frontier.answer.send(Err(error.clone()));
            }
        }
    }

    /// Takes what came by the subscription.
    pub(super) fn take(&self, push: PushInfo) {
        if push.kind != PushKind::Message {
            return;
        }
        let Ok([Value::BulkString(channel), Value::BulkString(payload)]) =
            <[Value; 2]>::try_from(push.data)
        else {
            return;
        };
        let Ok(channel) = String::from_utf8(channel) else {
            return;
        };
        let Some((epoch, message)) = answer::message(payload) else {
            tracing::warn!(
                channel,
                "something that is no event was published to a channel of events"
            );
            return;
        };
        if channel == self.node_channel {
            let place = Place {
                epoch,
                sequence: message.sequence,
            };
            self.take_marker(place, message.previous);
        } else if let Some(topic) = self.keys.topic_of(&channel) {
            // Before the node is told that it is connected again, it reads all this.
            if self.state().commands.is_some() {
                self.inbox.message(topic, epoch, message);
            }
        }
    }

    fn take_marker(&self, place: Place, number: u64) {
        let mut state = self.state();
        let marker = state.marker.take_if(|marker| marker.number == number);
        drop(state);
        if let Some(marker) = marker {
            for frontier in marker.waiting {
                let _ = frontier.answer.send(Ok(place));
            }
            let _ = marker.arrived.send(());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use redis::{AsyncConnectionConfig, RedisConnectionInfo};

    use super::*;
    use crate::backplane::Stored;

    /// Counts what it is handed.
    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Inbox for Counter {
        fn message(&self, _topic: &str, _epoch: u64, _message: Stored) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        fn disconnected(&self) {}
        fn reconnected(&self) {}
    }

    /// Of a node without a connection.
    pub(in crate::backplane::redis) fn shared() -> Shared {
        with(Arc::new(Counter::default()))
    }

    fn with(inbox: Arc<Counter>) -> Shared {
        let bounds = Bounds {
            events: 1,
            bytes: 1,
            age: Duration::ZERO,
            keys: Duration::ZERO,
        };
        let keys = Keys::new("sse").unwrap();
        Shared::new(keys, bounds, Duration::from_secs(5), inbox)
    }

    /// A connection to nobody, for which no server has to say anything.
    async fn connection() -> MultiplexedConnection {
        let (io, _) = tokio::io::duplex(1);
        let login = RedisConnectionInfo::default().set_skip_set_lib_name();
        let config = AsyncConnectionConfig::new();
        let made = MultiplexedConnection::new_with_config(&login, io, config).await;
        made.unwrap().0
    }

    #[tokio::test]
    async fn a_topic_that_is_left_while_a_new_connection_begins_to_listen_is_left_there() {
        let shared = shared();
        for topic in ["stays", "left"] {
            shared.add_topic(topic.into());
        }
        let resumed = shared.topics();
        shared.leave("left");
        shared.connected(connection().await, &resumed);
        let requests = shared.next_requests();
        assert!(
            matches!(&requests[..], [Request::Leave(topic)] if &**topic == "left"),
            "{}",
            requests.len()
        );
    }

    #[tokio::test]
    async fn a_topic_that_is_listened_to_and_left_at_once_is_left_in_a_step_of_its_own() {
        let shared = shared();
        shared.connected(connection().await, &[]);
        let _answers = ["a", "b"].map(|topic| shared.listen(topic).unwrap());
        shared.leave("a");
        assert_eq!(shared.next_requests().len(), 2);
        let requests = shared.next_requests();
        assert!(matches!(&requests[..], [Request::Leave(topic)] if &**topic == "a"));
    }

    #[tokio::test]
    async fn what_comes_before_it_is_connected_again_is_left_to_be_read() {
        let inbox = Arc::new(Counter::default());
        let shared = with(inbox.clone());
        let message = || PushInfo {
            kind: PushKind::Message,
            data: ["{sse}:live:a", "00000000000000ff 7 0\ndata: 1\n\n"]
                .map(|text| Value::BulkString(text.into()))
                .into(),
        };
        shared.take(message());
        assert_eq!(inbox.0.load(Ordering::Relaxed), 0);
        shared.connected(connection().await, &[]);
        shared.take(message());
        assert_eq!(inbox.0.load(Ordering::Relaxed), 1);
    }

    fn marker(shared: &Shared, number: u64) -> PushInfo {
        let payload = format!("00000000000000ff 7 {number}\n").into_bytes();
        let channel = shared.node_channel.clone().into_bytes();
        PushInfo {
            kind: PushKind::Message,
            data: vec![Value::BulkString(channel), Value::BulkString(payload)],
        }
    }

    #[tokio::test]
    async fn a_marker_of_a_connection_before_is_not_taken_for_a_new_one() {
        let shared = shared();
        let (old, _) = shared.send_marker(Vec::new());
        shared.disconnected();
        let (new, mut arrives) = shared.send_marker(Vec::new());
        shared.take(marker(&shared, old));
        assert!(arrives.try_recv().is_err());
        shared.take(marker(&shared, new));
        assert!(arrives.try_recv().is_ok());
    }
}
