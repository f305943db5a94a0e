//! The lines of the stream.

use std::sync::Arc;

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;
use crate::contract::probe::End;
use crate::parser::Item;

pub(super) const CHECK: Check = Check {
    id: "format",
    title: "The stream is UTF-8, and every line of it means something",
    why: "Clients replace what is no UTF-8, and silently ignore lines they don't know and events \
          without data.",
    source: "https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream",
    needs: Needs::Readable,
    alone: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: Arc<Context>) -> Verdict {
    let observation = match context.observation().await {
        Ok(observation) => observation,
        Err(verdict) => return verdict,
    };
    let seen = &observation.seen;
    if seen.chunks.is_empty() {
        return Verdict::not_applicable("the body had no bytes");
    }
    let bytes = seen.bytes();
    if let Err(error) = std::str::from_utf8(&bytes) {
        let ended = matches!(seen.end, Some((_, End::Clean)));
        // A character may still be on its way.
        if error.error_len().is_some() || ended {
            let evidence = format!("byte {} of the body is no UTF-8", error.valid_up_to());
            let hint = "Encode text as UTF-8, and bytes as base64 in the data.";
            return Verdict::fail(evidence, hint);
        }
    }
    let mut unknown = Vec::new();
    let mut named: Option<String> = None;
    let mut dropped = None;
    for (_, item) in &seen.items {
        match item {
            Item::Field(field) => match &*field.name {
                "event" => named = Some(field.value.clone()),
                "data" | "id" | "retry" => {}
                name if unknown.len() < 3 => unknown.push(name.to_owned()),
                _ => {}
            },
            Item::Event(_) => named = None,
            Item::Id(_) | Item::Blank => dropped = dropped.or(named.take()),
            Item::Comment(_) | Item::Retry(_) => {}
        }
    }
    if let Some(name) = dropped {
        let evidence = format!("event {name:?} has no data, and is never dispatched");
        let hint = "Send a line `data:` with each event, even if there is nothing to say.";
        return Verdict::warn(evidence, hint);
    }
    if !unknown.is_empty() {
        let evidence = format!("unknown fields: {unknown:?}");
        let hint = "Put `data:` in front of each line of the data.";
        return Verdict::warn(evidence, hint);
    }
    Verdict::pass(format!(
        "{} bytes, events: {}",
        seen.size(),
        seen.event_count()
    ))
}
