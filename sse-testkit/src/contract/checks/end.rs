//! How a stream ends.

use std::sync::Arc;

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;
use crate::contract::probe::End;
use crate::parser::Unfinished;

pub(super) const CHECK: Check = Check {
    id: "end",
    title: "The stream ends only where it should, and not inside an event",
    why: "A client reconnects after every end, clean or not, and throws away an event that no \
          blank line has ended.",
    source: "https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation",
    needs: Needs::Readable,
    alone: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: Arc<Context>) -> Verdict {
    let observation = match context.observation().await {
        Ok(observation) => observation,
        Err(verdict) => return verdict,
    };
    let ends = context.expectations.ends;
    let (at, end) = match &observation.seen.end {
        Some((at, end)) => (at, end),
        None if ends => {
            let lasted = observation.lasted;
            return Verdict::not_applicable(format!("still open after {lasted:.1?}"));
        }
        None => return Verdict::pass(format!("open for {:.1?}", observation.lasted)),
    };
    match end {
        End::Broken(reason) => Verdict::fail(
            format!("broke off after {at:.1?}: {reason}"),
            "End the body as HTTP has it, with the last chunk (RFC 9112, section 8); look for an \
             error in the server's log.",
        ),
        End::TooMuch => Verdict::pass(format!("more than enough in {at:.1?}")),
        End::Clean => {
            if observation.seen.unfinished.as_ref().is_some_and(is_loss) {
                let evidence = format!("ended after {at:.1?} inside an event, which is lost");
                return Verdict::fail(evidence, "Write a blank line after the last event, too.");
            }
            match ends {
                true => Verdict::pass(format!("after {at:.1?}, between events")),
                false => Verdict::warn(
                    format!("ended by itself after {at:.1?}"),
                    "If the stream is meant to end, expect it; if not, look for what ends it, \
                     such as an empty chunk.",
                ),
            }
        }
    }
}

/// A `retry` line is in force without a blank line, and a comment says nothing.
fn is_loss(unfinished: &Unfinished) -> bool {
    let line = &unfinished.line;
    let mut fields = unfinished.fields.iter();
    !(line.is_empty() || line.starts_with(':')) || fields.any(|it| it.name != "retry")
}
