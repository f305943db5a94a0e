//! The ids of events.

use std::collections::HashSet;
use std::sync::Arc;

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;

pub(super) const CHECK: Check = Check {
    id: "ids",
    title: "Events have ids, each its own",
    why: "A client comes back with the last id it has seen: an event that has none can't be asked for \
          again, and where two have the same, one is missed or comes twice.",
    source: "https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header",
    needs: Needs::Readable,
    alone: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: Arc<Context>) -> Verdict {
    let observation = match context.observation().await {
        Ok(observation) => observation,
        Err(verdict) => return verdict,
    };
    let resumable = context.expectations.resumable;
    let seen = &observation.seen;
    let count = seen.event_count();
    if count == 0 {
        return Verdict::not_applicable("no event was seen");
    }
    let nul = seen.events().find_map(|(_, event)| {
        let mut fields = event.fields.iter();
        fields.find(|it| it.name == "id" && it.value.contains('\0'))
    });
    if let Some(field) = nul {
        let evidence = format!("the id {:?} has a NUL, and is ignored", field.value);
        let hint = "Leave control characters out of ids.";
        return Verdict::fail(evidence, hint);
    }
    let ids: Vec<_> = seen
        .events()
        .filter_map(|(_, it)| it.id.as_deref())
        .collect();
    if ids.is_empty() && !resumable {
        return Verdict::not_applicable("the stream has no ids, and need not");
    }
    let without = count - ids.len();
    let evidence = format!("{without} of {count} events have no id");
    let hint = "Send an id with each event that a client should not miss.";
    if ids.is_empty() {
        return Verdict::fail(evidence, hint);
    }
    let mut different = HashSet::new();
    if let Some(id) = ids.iter().find(|id| !different.insert(**id)) {
        let evidence = format!("two events have the id {id:?}");
        let hint = "Number events, or name them by what makes them different.";
        return Verdict::short_of(resumable, evidence, hint);
    }
    match without {
        0 => Verdict::pass(format!("different ids: {count}")),
        // They may be about the moment only.
        _ if resumable => Verdict::warn(evidence, hint),
        _ => Verdict::pass(format!("different ids: {}, {evidence}", ids.len())),
    }
}
