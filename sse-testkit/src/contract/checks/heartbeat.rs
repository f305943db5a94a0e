//! A stream that is quiet still shows that it is alive.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;
use crate::contract::expectations::SLACK;
use crate::contract::observation::Observation;
use crate::parser::Item;

pub(super) const CHECK: Check = Check {
    id: "heartbeat",
    title: "Heartbeats come in time, and clients don't see them as events",
    why: "Proxies close connections that are silent, often after 30 or 60 s, and without a write \
          the server never learns that a client has gone.",
    source: "https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes",
    needs: Needs::Readable,
    alone: false,
    run: |context| Box::pin(run(context)),
};

/// What the HTML standard recommends.
const RECOMMENDED: Duration = Duration::from_secs(15);

const HINT: &str = "Send a comment, a line `:` and a blank line, after 15 s of silence.";

async fn run(context: Arc<Context>) -> Verdict {
    let opened = match context.first() {
        Ok(first) => first.after,
        Err(verdict) => return verdict,
    };
    let observation = match context.observation().await {
        Ok(observation) => observation,
        Err(verdict) => return verdict,
    };
    let expected = context.expectations.heartbeat;
    if let Some(event) = observation.seen.heartbeat_event() {
        let evidence = format!(
            "a heartbeat is an event: {:?} with data {:?}",
            event.event, event.data
        );
        let hint = "Send heartbeats as comments, which no client dispatches.";
        return Verdict::short_of(expected.is_some(), evidence, hint);
    }
    let silence = longest_silence(&observation, opened);
    let within = expected.unwrap_or(RECOMMENDED);
    let ended = observation.seen.end.as_ref().map(|(at, _)| *at);
    if let Some(at) = ended.filter(|at| at.saturating_sub(opened) < within) {
        return Verdict::not_applicable(format!(
            "the stream was over after {at:.1?}, before a heartbeat was due"
        ));
    }
    if silence > within + SLACK {
        let evidence = format!("silent for {silence:.1?}, more than {within:?}");
        return Verdict::short_of(expected.is_some(), evidence, HINT);
    }
    match (expected, comment_after_silence(&observation)) {
        (Some(_), _) => Verdict::pass(format!("never silent for more than {silence:.1?}")),
        (None, Some(waited)) => Verdict::pass(format!("a comment after {waited:.1?} of silence")),
        (None, None) => Verdict::not_applicable(format!(
            "looked at for {:.1?} only; expect a heartbeat to have it awaited",
            observation.lasted
        )),
    }
}

/// What comes sooner belongs to something else.
const SILENCE: Duration = Duration::from_millis(500);

fn comment_after_silence(observation: &Observation) -> Option<Duration> {
    let seen = &observation.seen;
    let items = seen.items.iter();
    let comments: HashSet<_> = items
        .filter_map(|(at, item)| matches!(item, Item::Comment(_)).then_some(*at))
        .collect();
    seen.chunks.windows(2).find_map(|pair| {
        let (before, at) = (pair[0].elapsed, pair[1].elapsed);
        (comments.contains(&at) && at - before >= SILENCE).then_some(at - before)
    })
}

fn longest_silence(observation: &Observation, opened: Duration) -> Duration {
    let mut longest = Duration::ZERO;
    let mut last = opened;
    let end = observation.seen.end.as_ref().map(|(at, _)| *at);
    let chunks = observation.seen.chunks.iter().map(|it| it.elapsed);
    for at in chunks.chain([end.unwrap_or(observation.lasted)]) {
        longest = longest.max(at.saturating_sub(last));
        last = at;
    }
    longest
}
