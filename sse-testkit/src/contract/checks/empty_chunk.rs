//! Nothing to say is not the end.

use std::sync::Arc;

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;
use crate::contract::observation::produce;
use crate::contract::probe::{End, Seen};

pub(super) const CHECK: Check = Check {
    id: "empty-chunk",
    title: "An event without data does not end the stream",
    why: "In HTTP/1.1 a chunk of no bytes ends the response: a server that writes an empty text as \
          it is cuts its client off.",
    source: "https://www.rfc-editor.org/rfc/rfc9112#section-7.1",
    needs: Needs::Readable,
    alone: true,
    run: |context| Box::pin(run(context)),
};

async fn run(context: Arc<Context>) -> Verdict {
    let producer = context.expectations.produced_by.clone();
    let Some(producer) = producer.and_then(|it| it.into_parts().ok()) else {
        return Verdict::not_applicable("no event can be produced");
    };
    let ends = match context.observation().await {
        Ok(observation) => observation.seen.end.is_some(),
        Err(verdict) => return verdict,
    };
    if ends {
        return Verdict::not_applicable("the stream ends by itself");
    }
    let mut answer = match context.probe.open(context.probe.ask()).await {
        Ok(answer) => answer,
        Err(reason) => return Verdict::not_applicable(reason.to_string()),
    };
    let prompt = context.expectations.prompt;
    let mut empty = producer.clone();
    empty.body = bytes::Bytes::new();
    if let Err(reason) = produce(&context.probe, &empty).await {
        return Verdict::not_applicable(format!("without a body, {reason}"));
    }
    answer.read_for(prompt, |seen| seen.event_count() > 0).await;
    let before = answer.seen.event_count();
    if answer.seen.end.is_none() {
        if let Err(reason) = produce(&context.probe, &producer).await {
            return Verdict::not_applicable(reason);
        }
        let more = move |seen: &Seen| seen.event_count() > before;
        answer.read_for(prompt, more).await;
    }
    let hint = "Write a line `data:` for an empty text, and skip chunks that are empty.";
    match &answer.seen.end {
        Some((_, End::TooMuch)) => Verdict::not_applicable("there is more than one can look at"),
        Some((at, _)) => Verdict::fail(
            format!("the stream ended after {at:.1?}, when an empty event was produced"),
            hint,
        ),
        None if answer.seen.event_count() == before => {
            Verdict::fail("no event came after an empty one", hint)
        }
        None if before == 0 => Verdict::pass("it was skipped, and the next event came"),
        None => Verdict::pass("it came as an event without data, and so did the next one"),
    }
}
