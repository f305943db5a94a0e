//! The stream: what it is to be like, and whether it is.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Shared,
    api::{ApiError, NO_STREAM, STREAM_EXISTS, SUBJECTS_OVERLAP},
    moment,
};
use crate::backplane::{BackplaneError, Bounds, Failure};

/// What a node has to know of the stream.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// When it was made, in nanoseconds.
    pub(super) epoch: u64,
    /// How many events of a topic are given.
    pub(super) events: usize,
    /// For how long an event is given.
    pub(super) age: Duration,
}

/// What the stream holds at the moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    /// Everything before this number is gone.
    pub(super) first: u64,
    /// The last number that was given.
    pub(super) last: u64,
    /// How many messages of one subject there are.
    pub(super) of_subject: u64,
    /// A bound of the whole stream may have taken what is younger than its age.
    pub(super) is_short: bool,
}

/// Finds the stream, or makes it.
pub(super) async fn ensure(shared: &Shared, generation: u64) -> Result<Facts, BackplaneError> {
    let mut info = match ask(shared, generation, "INFO", &json!({})).await {
        Ok(info) => info,
        Err(ApiError::Told(told)) if told.number == NO_STREAM => {
            match ask(shared, generation, "CREATE", &wanted(shared)).await {
                // Another node was faster. It has other bounds, or is still at it.
                Err(ApiError::Told(why))
                    if matches!(why.number, STREAM_EXISTS | SUBJECTS_OVERLAP) =>
                {
                    match ask(shared, generation, "INFO", &json!({})).await {
                        Err(ApiError::Told(told)) if told.number == NO_STREAM => {
                            Err(ApiError::Told(why))
                        }
                        info => info,
                    }
                }
                made => made,
            }
            .map_err(told_in_full)?
        }
        Err(error) => return Err(told_in_full(error)),
    };
    if let Some(why) = unfit(shared, &info["config"]) {
        let error = format!(
            "the stream {} can't be used: {why}",
            shared.subjects.stream()
        );
        return Err(BackplaneError::new(Failure::Refused, error));
    }
    if let Some(grown) = grown(shared, &info["config"]) {
        match ask(shared, generation, "UPDATE", &grown).await {
            Ok(updated) => info["config"] = updated["config"].clone(),
            Err(ApiError::Told(told)) => {
                tracing::warn!(%told, "the NATS stream keeps less than this node is to keep");
            }
            Err(ApiError::Silent(error)) => return Err(error),
        }
    }
    facts(shared.bounds, &info).ok_or_else(|| {
        BackplaneError::new(
            Failure::Refused,
            "the stream does not tell when it was made",
        )
    })
}

/// The stream's epoch, or `None` if it is gone.
pub(super) async fn epoch(shared: &Shared, generation: u64) -> Result<Option<u64>, BackplaneError> {
    match ask(shared, generation, "INFO", &json!({})).await {
        Ok(info) => Ok(info["created"].as_str().and_then(moment::nanos)),
        Err(ApiError::Told(told)) if told.number == NO_STREAM => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What the stream holds.
pub(super) async fn held(
    shared: &Shared,
    generation: u64,
    subject: &str,
) -> Result<Held, BackplaneError> {
    let question = json!({ "subjects_filter": subject });
    let info = ask(shared, generation, "INFO", &question).await?;
    let (state, config) = (&info["state"], &info["config"]);
    let number = |name: &str| state[name].as_u64().unwrap_or_default();
    // The bytes that are there and the bytes that are allowed, likewise the messages. Where less
    // than half is there, nothing has been taken for it lately.
    let is_short = [("bytes", "max_bytes"), ("messages", "max_msgs")]
        .iter()
        .any(|(there, most)| {
            let most = config[most]
                .as_i64()
                .and_then(|most| u64::try_from(most).ok());
            most.is_some_and(|most| most > 0 && number(there) >= most / 2)
        });
    Ok(Held {
        first: number("first_seq"),
        last: number("last_seq"),
        of_subject: state["subjects"][subject].as_u64().unwrap_or_default(),
        is_short,
    })
}

async fn ask(
    shared: &Shared,
    generation: u64,
    verb: &str,
    question: &Value,
) -> Result<Value, ApiError> {
    let subject = format!("$JS.API.STREAM.{verb}.{}", shared.subjects.stream());
    // To make a stream that is there, and is the same, changes nothing.
    shared.api.call_again(generation, &subject, question).await
}

/// The configuration of a new stream.
fn wanted(shared: &Shared) -> Value {
    let Needed { events, age, keys } = needed(shared.bounds);
    json!({
        "name": shared.subjects.stream(),
        "description": "Events of sse-layer",
        "subjects": [shared.subjects.all_in()],
        "retention": "limits",
        "storage": "file",
        "discard": "old",
        "num_replicas": shared.replicas,
        "max_consumers": -1,
        "max_msgs": -1,
        "max_msg_size": -1,
        "max_bytes": shared.max_bytes.map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        "max_msgs_per_subject": events,
        "max_age": age,
        "duplicate_window": keys,
        "republish": { "src": shared.subjects.all_in(), "dest": shared.subjects.all_out() },
    })
}

/// Why a stream that is there can't be used.
fn unfit(shared: &Shared, config: &Value) -> Option<&'static str> {
    let subjects = config["subjects"].as_array();
    let takes = |subject: &str| {
        subjects.is_some_and(|list| list.iter().any(|each| each.as_str() == Some(subject)))
    };
    let republish = &config["republish"];
    let republishes = republish["src"].as_str() == Some(&shared.subjects.all_in())
        && republish["dest"].as_str() == Some(&shared.subjects.all_out())
        && republish["headers_only"].as_bool() != Some(true);
    if !takes(&shared.subjects.all_in()) {
        Some("it takes other subjects")
    } else if !republishes {
        Some("it does not republish what it takes")
    } else if config["retention"].as_str() != Some("limits") {
        Some("its retention is not by limits")
    } else if config["sealed"].as_bool() == Some(true) {
        Some("it is sealed")
    } else {
        None
    }
}

/// The stream's configuration with what this node needs more of, or `None` if that is nothing. What
/// another node needs more of stays.
fn grown(shared: &Shared, config: &Value) -> Option<Value> {
    let Needed { events, age, keys } = needed(shared.bounds);
    let mut grown = config.clone();
    let mut differs = false;
    // In NATS 0 or less is without a bound.
    for (name, needed) in [("max_msgs_per_subject", events), ("max_age", age)] {
        let there = config[name].as_i64().unwrap_or_default();
        if there > 0 && there < needed {
            grown[name] = json!(needed);
            differs = true;
        }
    }
    if config["duplicate_window"].as_i64().unwrap_or_default() < keys {
        grown["duplicate_window"] = json!(keys);
        differs = true;
    }
    differs.then_some(grown)
}

struct Needed {
    events: i64,
    age: i64,
    keys: i64,
}

/// One event more than is given and twice the time, so that a reader can tell whether something is
/// gone. The server wants keys to be remembered no longer than messages.
fn needed(bounds: Bounds) -> Needed {
    let least = Duration::from_millis(100);
    let nanos = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
    let keys = bounds.keys.max(least);
    let age = bounds.age.saturating_mul(2).max(keys);
    Needed {
        events: i64::try_from(bounds.events)
            .unwrap_or(i64::MAX)
            .saturating_add(1),
        age: nanos(age),
        keys: nanos(keys),
    }
}

/// What is given: within this node's bounds, and within what the stream keeps.
fn facts(bounds: Bounds, info: &Value) -> Option<Facts> {
    let bound = |name: &str| {
        let there = info["config"][name].as_u64();
        there.filter(|there| *there > 0)
    };
    let events = bound("max_msgs_per_subject")
        .and_then(|events| usize::try_from(events - 1).ok())
        .map_or(bounds.events, |events| events.min(bounds.events));
    let age = bound("max_age").map_or(bounds.age, |age| {
        bounds.age.min(Duration::from_nanos(age / 2))
    });
    let epoch = info["created"].as_str().and_then(moment::nanos)?;
    Some(Facts { epoch, events, age })
}

/// That JetStream is off is told by silence, or in its own words.
fn told_in_full(error: ApiError) -> BackplaneError {
    let error: BackplaneError = error.into();
    if error.failure() == Failure::Unavailable {
        let source = std::error::Error::source(&error);
        let source = source.map_or_else(String::new, ToString::to_string);
        let error = format!("is JetStream enabled on the server and for this account? ({source})");
        return BackplaneError::new(Failure::Refused, error);
    }
    error
}
