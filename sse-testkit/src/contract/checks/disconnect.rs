//! Clients that go away.

use std::sync::Arc;

use serde_json::Value;

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;
use crate::contract::expectations::{SLACK, Stats};
use crate::contract::observation::eventually;
use crate::contract::probe::Probe;

pub(super) const CHECK: Check = Check {
    id: "disconnect",
    title: "A client that goes away frees its slot",
    why: "Tabs are closed all the time; a server that goes on writing to them runs out of memory \
          and of slots.",
    source: "https://www.rfc-editor.org/rfc/rfc9112#section-9.5",
    needs: Needs::Stream,
    alone: true,
    run: |context| Box::pin(run(context)),
};

/// So many clients come and go.
const CLIENTS: usize = 2;

async fn run(context: Arc<Context>) -> Verdict {
    let Some(stats) = &context.expectations.stats else {
        return Verdict::not_applicable("the server does not tell how many streams are open");
    };
    let clients = match context.expectations.limit {
        Some(limit) => CLIENTS.min(limit.streams),
        None => CLIENTS,
    };
    let within = context.expectations.prompt + SLACK;
    // Earlier streams of this run may just be going; those of others may stay.
    let idle = eventually(within, || async {
        count(&context.probe, stats).await.is_ok_and(|it| it == 0)
    });
    idle.await;
    let before = match count(&context.probe, stats).await {
        Ok(count) => count,
        Err(reason) => return Verdict::fail(reason, "Look at the stats' URL and pointer."),
    };
    let mut streams = Vec::new();
    for _ in 0..clients {
        match context.probe.open(context.probe.ask()).await {
            Ok(answer) => streams.push(answer),
            Err(reason) => return Verdict::fail(reason.to_string(), "Look at the server's log."),
        }
    }
    let open = before + clients as u64;
    let counted = eventually(within, || async {
        count(&context.probe, stats)
            .await
            .is_ok_and(|it| it >= open)
    });
    if !counted.await {
        let now = count(&context.probe, stats).await;
        let evidence =
            format!("{clients} streams were opened, the count went from {before} to {now:?}");
        return Verdict::fail(evidence, "Count each stream that is open.");
    }
    drop(streams);
    let freed = eventually(within, || async {
        count(&context.probe, stats)
            .await
            .is_ok_and(|it| it <= before)
    });
    if !freed.await {
        let now = count(&context.probe, stats).await;
        let evidence = format!(
            "{clients} clients went, and {within:?} later the count is {now:?}, not {before}"
        );
        let hint = "Free what belongs to a stream when its body is dropped, or on the socket's \
                    close, not at the next write.";
        return Verdict::fail(evidence, hint);
    }
    Verdict::pass(format!(
        "{clients} clients came and went, the count is {before} again"
    ))
}

/// How many streams the server says are open.
async fn count(probe: &Probe, stats: &Stats) -> Result<u64, String> {
    let from = stats.from.clone().into_parts()?;
    let answer = probe.fetch(from).await.map_err(|it| it.to_string())?;
    if !answer.head.status.is_success() {
        return Err(format!("the stats were answered {}", answer.head.status));
    }
    let json: Value = serde_json::from_slice(&answer.seen.bytes())
        .map_err(|error| format!("the stats are no JSON: {error}"))?;
    let at = json.pointer(&stats.pointer);
    let count = at.and_then(Value::as_u64);
    count.ok_or_else(|| format!("at {:?} the stats have no number: {at:?}", stats.pointer))
}
