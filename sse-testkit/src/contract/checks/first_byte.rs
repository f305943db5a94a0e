//! A stream that is open shows it.

use std::sync::Arc;

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;

pub(super) const CHECK: Check = Check {
    id: "first-byte",
    title: "The head and the first bytes come at once, event or not",
    why: "A client's stream is open when the head is there, and some proxies and clients pass the \
          head on only with the first bytes of the body.",
    source: "https://html.spec.whatwg.org/multipage/server-sent-events.html#announce-the-connection",
    needs: Needs::Stream,
    alone: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: Arc<Context>) -> Verdict {
    let head = match context.first() {
        Ok(first) => first.after,
        Err(verdict) => return verdict,
    };
    let expected = context.expectations.opening.is_some();
    let within = context.expectations.opening_within();
    if head > within {
        let hint = "Flush the head before the first event is there.";
        return Verdict::short_of(expected, format!("the head took {head:.1?}"), hint);
    }
    let observation = match context.observation().await {
        Ok(observation) => observation,
        Err(verdict) => return verdict,
    };
    let produced = observation.produced.first().map(|it| it.at);
    let first = observation.seen.chunks.first();
    let hint = "Begin with a comment: a line `:` and a blank line, sent with the head.";
    let evidence = match first {
        Some(chunk) if chunk.elapsed <= within => {
            let (head, first) = (head.as_millis(), chunk.elapsed.as_millis());
            return Verdict::pass(format!(
                "the head after {head} ms, the first bytes after {first} ms"
            ));
        }
        Some(chunk) if produced.is_some_and(|produced| chunk.elapsed > produced) => {
            format!("the body had no bytes in {within:.1?}, until an event was produced")
        }
        Some(chunk) => format!("the first bytes of the body took {:.1?}", chunk.elapsed),
        None => format!(
            "the body had no bytes in the {:.1?} it was looked at",
            observation.lasted
        ),
    };
    Verdict::short_of(expected, evidence, hint)
}
