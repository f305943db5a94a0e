//! Whether this node is connected, and listens to all that it is to listen to.
//!
//! The client connects again by itself. That is not enough to say so: the stream may have gone with
//! the server's data. So one task looks after both.

use std::{
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{Client, Event, ServerError, connection::State};
use serde_json::json;
use tokio::{
    sync::{Notify, broadcast, mpsc, oneshot, watch},
    time,
};

use super::{
    Shared,
    api::ApiError,
    options::{FIRST_PAUSE, LONGEST_PAUSE},
    pump::Command,
    stream::{self, Facts},
};
use crate::{
    backplane::{BackplaneError, Failure},
    random,
};

/// How often the connection is looked at, in case that an event of the client was lost.
const LOOK: Duration = Duration::from_secs(1);

/// How long a stream that is gone is left alone.
const CLEARING: RangeInclusive<Duration> = Duration::from_millis(250)..=Duration::from_millis(500);

/// What is known of the connection.
#[derive(Clone, Debug)]
pub(super) struct Link {
    /// One more each time that it is lost.
    pub(super) generation: u64,
    /// The stream, while everything is well.
    pub(super) stream: Option<Facts>,
}

/// Wakes the task that looks after the link.
#[derive(Default)]
pub(super) struct Alarm {
    woken: Notify,
    doubtful: AtomicBool,
    broken: AtomicBool,
}

impl Alarm {
    /// The stream may have been replaced or be gone.
    pub(super) fn doubt(&self) {
        self.doubtful.store(true, Ordering::Release);
        self.woken.notify_one();
    }

    /// Messages may have been lost on their way.
    pub(super) fn break_off(&self) {
        self.broken.store(true, Ordering::Release);
        self.woken.notify_one();
    }

    /// What the client tells.
    pub(super) fn event(&self, event: &Event, complaints: &broadcast::Sender<Arc<str>>) {
        match event {
            Event::Connected | Event::Disconnected | Event::Closed => self.woken.notify_one(),
            Event::ServerError(ServerError::Other(text)) => {
                tracing::warn!(error = %text, "the NATS server complains");
                let _ = complaints.send(Arc::from(text.as_str()));
            }
            Event::ClientError(error) => tracing::debug!(%error, "NATS is not reached"),
            _ => {}
        }
    }
}

/// Looks after the link for as long as the node lives.
pub(super) async fn keep(
    shared: Arc<Shared>,
    link: watch::Sender<Link>,
    pump: mpsc::UnboundedSender<Command>,
    mut connects: u64,
) {
    let mut checked = time::Instant::now();
    loop {
        let _ = time::timeout(LOOK, shared.alarm.woken.notified()).await;
        let broken = shared.alarm.broken.swap(false, Ordering::AcqRel)
            || shared.silence() > shared.api.timeout.max(LOOK);
        let due = checked.elapsed() >= shared.api.timeout;
        let doubtful = shared.alarm.doubtful.swap(false, Ordering::AcqRel) || due;
        let is_well = !broken
            && is_same(&shared.api.client, connects)
            && (!doubtful || is_same_stream(&shared, &link).await);
        if is_well {
            if doubtful {
                checked = time::Instant::now();
            }
            continue;
        }
        link.send_modify(|link| {
            link.generation += 1;
            link.stream = None;
        });
        let _ = pump.send(Command::Down);
        if is_same(&shared.api.client, connects) {
            // A stream that was deleted just now is still being cleared away. One that is made over
            // it meanwhile can't write (seen with 2.9.10).
            time::sleep(random::spread(&CLEARING)).await;
        }
        let mut attempt = 0;
        let facts = loop {
            connects = connect_count(&shared.api.client);
            match establish(&shared).await {
                Ok(facts) if is_same(&shared.api.client, connects) => break facts,
                Ok(_) => {}
                Err(error) => tracing::debug!(error = source(&error), "no stream yet"),
            }
            attempt = u32::saturating_add(attempt, 1);
            let pause = random::backoff(FIRST_PAUSE, LONGEST_PAUSE, attempt);
            let _ = time::timeout(pause, shared.alarm.woken.notified()).await;
        };
        checked = time::Instant::now();
        let epoch = facts.epoch;
        link.send_modify(|link| link.stream = Some(facts));
        let _ = pump.send(Command::Up { epoch });
    }
}

/// Finds the stream or makes it, and waits until what comes out of it arrives here.
pub(super) async fn establish(shared: &Shared) -> Result<Facts, BackplaneError> {
    if shared.api.client.connection_state() != State::Connected {
        return Err(BackplaneError::new(Failure::Unavailable, "not connected"));
    }
    let generation = shared.api.link.borrow().generation;
    let facts = stream::ensure(shared, generation).await?;
    order(shared, generation).await?;
    match shared.markers.pass(shared, generation).await {
        Ok(_) => {}
        // A stream that takes nothing can still be read.
        Err(error) if error.failure() == Failure::Refused => {
            tracing::warn!(error = source(&error), "the NATS stream takes nothing");
        }
        Err(error) => return Err(error),
    }
    Ok(facts)
}

/// Makes the consumer that tells the order. The server throws it away when nobody subscribes to it
/// any more.
async fn order(shared: &Shared, generation: u64) -> Result<(), BackplaneError> {
    for patience in shared.api.patiences() {
        match order_within(shared, generation, patience).await {
            Err(error) if error.is_silence() => {}
            made => return Ok(made?),
        }
    }
    Ok(order_within(shared, generation, shared.api.timeout).await?)
}

/// Each attempt has an inbox of its own: what is made late has nobody who listens to it.
async fn order_within(
    shared: &Shared,
    generation: u64,
    patience: Duration,
) -> Result<(), ApiError> {
    let (client, stream) = (&shared.api.client, shared.subjects.stream());
    let inbox = client.new_inbox();
    let subscriber = shared.subscribe(&inbox).await.map_err(ApiError::Silent)?;
    let (begun, beginning) = oneshot::channel();
    let _ = shared.pump.send(Command::Order { subscriber, begun });
    // What the pump throws away is then before whatever the consumer tells.
    let begun = time::timeout(shared.api.timeout, beginning).await;
    if !matches!(begun, Ok(Ok(()))) {
        let why = "the inbox has kept this node waiting";
        let error = BackplaneError::new(Failure::Unavailable, why);
        return Err(ApiError::Silent(error));
    }
    let heartbeat = (shared.api.timeout / 3).max(Duration::from_millis(100));
    let question = json!({
        "stream_name": stream,
        "config": {
            "deliver_subject": inbox,
            "deliver_policy": "new",
            "ack_policy": "none",
            "replay_policy": "instant",
            "filter_subject": shared.subjects.all_in(),
            "headers_only": true,
            "idle_heartbeat": u64::try_from(heartbeat.as_nanos()).unwrap_or(u64::MAX),
            "mem_storage": true,
            "num_replicas": 1,
        },
    });
    let subject = format!("$JS.API.CONSUMER.CREATE.{stream}");
    let (api, question) = (&shared.api, &question);
    api.call_for(patience, generation, &subject, question)
        .await?;
    shared.heard();
    Ok(())
}

/// How often the client has connected.
pub(super) fn connect_count(client: &Client) -> u64 {
    client.statistics().connects.load(Ordering::Relaxed)
}

fn is_same(client: &Client, connects: u64) -> bool {
    client.connection_state() == State::Connected && connect_count(client) == connects
}

/// Whether the stream is still the one that it was. That it can't be told now is no "no".
async fn is_same_stream(shared: &Shared, link: &watch::Sender<Link>) -> bool {
    let (generation, epoch) = {
        let link = link.borrow();
        (
            link.generation,
            link.stream.as_ref().map(|facts| facts.epoch),
        )
    };
    match stream::epoch(shared, generation).await {
        Ok(found) => found.is_some() && found == epoch,
        Err(_) => true,
    }
}

/// What is behind an error, for the log.
fn source(error: &BackplaneError) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), ToString::to_string)
}
