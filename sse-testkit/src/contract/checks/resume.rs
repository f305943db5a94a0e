//! Coming back with an id.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode};

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;
use crate::contract::probe::Seen;

pub(super) const CHECK: Check = Check {
    id: "resume",
    title: "A client that comes back with its last id misses nothing and gets nothing twice",
    why: "Connections break all the time, and what was sent meanwhile is what a client comes back \
          for.",
    source: "https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header",
    needs: Needs::Readable,
    alone: false,
    run: |context| Box::pin(run(context)),
};

const HINT: &str = "Keep the latest events, and answer a Last-Event-ID with those that came after \
                    it, oldest first, before new ones.";

/// No server keeps everything: so many of the latest events are asked for again.
const LATEST: usize = 16;

/// What comes at once to a client that missed nothing can only be a repetition.
const AT_ONCE: Duration = Duration::from_millis(300);

async fn run(context: Arc<Context>) -> Verdict {
    let observation = match context.observation().await {
        Ok(observation) => observation,
        Err(verdict) => return verdict,
    };
    let resumable = context.expectations.resumable;
    let sent = identified(&observation.seen);
    let sent = &sent[sent.len().saturating_sub(LATEST)..];
    let Some(((first, _), missed)) = sent.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return Verdict::not_applicable(match sent.is_empty() && !resumable {
            true => "the stream has no ids, and need not",
            false => "it takes two events with an id to see it",
        });
    };
    match after(&context, first, missed.len()).await {
        Err(evidence) => return Verdict::short_of(resumable, evidence, HINT),
        Ok(got) => {
            if let Some(evidence) = difference(first, missed, &got) {
                return Verdict::short_of(resumable, evidence, HINT);
            }
        }
    }
    let (last, _) = &missed[missed.len() - 1];
    let known: HashSet<_> = sent.iter().map(|(id, _)| id).collect();
    match after(&context, last, 0).await {
        Err(evidence) => return Verdict::short_of(resumable, evidence, HINT),
        Ok(got) => {
            if let Some((id, _)) = got.iter().find(|(id, _)| known.contains(id)) {
                let evidence = format!("after {last:?}, {id:?} came again");
                return Verdict::short_of(resumable, evidence, HINT);
            }
        }
    }
    Verdict::pass(format!(
        "events that came again after {first:?}: {}, after {last:?}: none",
        missed.len()
    ))
}

type Identified = (String, String);

/// Ids and data of the events that have an id.
fn identified(seen: &Seen) -> Vec<Identified> {
    let events = seen.events();
    let named = events.filter_map(|(_, it)| Some((it.id.clone()?, it.data.clone())));
    named.filter(|(id, _)| !id.is_empty()).collect()
}

/// What a client gets that comes back with this id: so many events, or what comes at once.
async fn after(context: &Context, id: &str, count: usize) -> Result<Vec<Identified>, String> {
    let value = HeaderValue::from_bytes(id.as_bytes())
        .map_err(|_| format!("the id {id:?} can't be sent in a header"))?;
    let ask = context.probe.ask().header("last-event-id", value);
    let answer = context.probe.open(ask).await;
    let mut answer = answer.map_err(|reason| format!("after {id:?}: {reason}"))?;
    let status = answer.head.status;
    if status == StatusCode::NO_CONTENT && count == 0 {
        return Ok(Vec::new());
    }
    if status != StatusCode::OK {
        return Err(format!("after {id:?} the answer was {status}"));
    }
    match count {
        0 => answer.read_for(AT_ONCE, |_| false).await,
        _ => {
            let patience = context
                .expectations
                .observe
                .max(context.expectations.prompt);
            answer
                .read_for(patience, |seen| identified(seen).len() >= count)
                .await;
            // What is sent again after that would be missed otherwise.
            answer.read_for(AT_ONCE, |_| false).await;
        }
    }
    Ok(identified(&answer.seen))
}

fn difference(first: &str, missed: &[Identified], got: &[Identified]) -> Option<String> {
    for (index, (id, data)) in missed.iter().enumerate() {
        match got.get(index) {
            None => return Some(format!("after {first:?}, {id:?} did not come")),
            Some((other, _)) if other != id => {
                return Some(format!("after {first:?}, {other:?} came instead of {id:?}"));
            }
            Some((_, other)) if other != data => {
                return Some(format!("{id:?} came with other data than the first time"));
            }
            Some(_) => {}
        }
    }
    let mut different = HashSet::new();
    let twice = got.iter().find(|(id, _)| !different.insert(id));
    twice.map(|(id, _)| format!("after {first:?}, {id:?} came twice"))
}
