//! An event is sent when it is produced, the whole of it.

use std::sync::Arc;
use std::time::Duration;

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;
use crate::contract::observation::{Observation, Produced};
use crate::parser::{Item, Parser};

pub(super) const CHECK: Check = Check {
    id: "event-live",
    title: "Each event is sent when it is produced, not with the next one",
    why: "A client dispatches an event when its blank line has come. Buffers that are not flushed \
          and blank lines written in front of the next event make every event late.",
    source: "https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation",
    needs: Needs::Readable,
    alone: false,
    run: |context| Box::pin(run(context)),
};

/// The last line of an event and its blank line are written in one go: they come closer together
/// than this.
const IN_ONE_GO: Duration = Duration::from_millis(150);

async fn run(context: Arc<Context>) -> Verdict {
    let observation = match context.observation().await {
        Ok(observation) => observation,
        Err(verdict) => return verdict,
    };
    if let Some(reason) = &observation.not_produced {
        let hint = "Look at the request that should produce events: its address, body and headers.";
        return Verdict::fail(format!("no event could be produced: {reason}"), hint);
    }
    if let Some(verdict) = held_back(&observation) {
        return verdict;
    }
    if observation.produced.is_empty() {
        return by_themselves(&observation);
    }
    for produced in &observation.produced {
        if produced.events_after <= produced.events_before {
            return late(*produced, &observation, context.expectations.prompt);
        }
    }
    let arrivals = observation.produced.iter().filter_map(|produced| {
        let mut events = observation.seen.events().skip(produced.events_before);
        events.next().map(|(at, _)| at.saturating_sub(produced.at))
    });
    let slowest = arrivals.max().unwrap_or_default().as_millis();
    let count = observation.produced.len();
    Verdict::pass(format!(
        "each of {count} events within {slowest} ms of the request that produced it"
    ))
}

/// Of events that come by themselves nobody knows when they were produced.
fn by_themselves(observation: &Observation) -> Verdict {
    match observation.seen.event_count() {
        0 => Verdict::not_applicable(format!(
            "no event came by itself in {:.1?}, and none could be produced",
            observation.lasted
        )),
        1 => Verdict::pass("the event came with its blank line"),
        count => Verdict::pass(format!("each of {count} events came with its blank line")),
    }
}

/// An event whose lines came, and its blank line only after a pause.
fn held_back(observation: &Observation) -> Option<Verdict> {
    let mut parser = Parser::new();
    let mut last_line = None;
    for chunk in &observation.seen.chunks {
        for item in parser.feed(&chunk.bytes).unwrap_or_default() {
            match item {
                Item::Field(_) => last_line = Some(chunk.elapsed),
                Item::Event(event) => {
                    let waited = chunk.elapsed - last_line.take().unwrap_or(chunk.elapsed);
                    if waited > IN_ONE_GO {
                        let evidence = format!(
                            "the last line of event {:?} came {waited:.1?} before its blank line",
                            event.event
                        );
                        let hint = "Write the blank line at the end of each event, and flush.";
                        return Some(Verdict::fail(evidence, hint));
                    }
                }
                Item::Id(_) | Item::Blank => last_line = None,
                Item::Comment(_) | Item::Retry(_) => {}
            }
        }
    }
    None
}

fn late(produced: Produced, observation: &Observation, within: Duration) -> Verdict {
    let mut after = observation.seen.events().skip(produced.events_before);
    let evidence = match after.next() {
        Some((at, _)) => format!(
            "an event came {:.1?} after the request that produced it, with a later one",
            at.saturating_sub(produced.at)
        ),
        None => format!("no event within {within:?} of the request that produces one"),
    };
    Verdict::fail(
        evidence,
        "Flush after each event, and switch off what collects the response: compression, \
         buffered writers, proxies.",
    )
}
