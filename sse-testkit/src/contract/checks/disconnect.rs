//! Clients that go away.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;
use crate::contract::expectations::{SLACK, Stats};
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
    let noticed_within = context.expectations.noticed_within();
    let counter = Counter {
        probe: &context.probe,
        stats,
    };
    // Earlier streams of this run may just be going; those of others may stay.
    counter.comes_to(|count| count == 0, noticed_within).await;
    let before = match counter.count().await {
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
    let counted = counter.comes_to(|count| count >= open, within);
    if !counted.await {
        let now = counter.told().await;
        let evidence =
            format!("{clients} streams were opened, the count went from {before} to {now}");
        return Verdict::fail(evidence, "Count each stream that is open.");
    }
    drop(streams);
    let gone = Instant::now();
    if counter.comes_to(|count| count <= before, within).await {
        return Verdict::pass(format!(
            "{clients} clients came and went, the count is {before} again"
        ));
    }
    let hint = "Free what belongs to a stream when its body is dropped, or on the socket's \
                close, not at the next write.";
    let rest = noticed_within.saturating_sub(gone.elapsed());
    if rest > SLACK && counter.comes_to(|count| count <= before, rest).await {
        let evidence = format!(
            "{clients} clients went, which was noticed after {:.1?}, by a heartbeat",
            gone.elapsed()
        );
        return Verdict::warn(evidence, hint);
    }
    let evidence = format!(
        "{clients} clients went, and {:.1?} later the count is {}, not {before}",
        gone.elapsed(),
        counter.told().await
    );
    Verdict::fail(evidence, hint)
}

/// Asks the server how many streams are open.
struct Counter<'a> {
    probe: &'a Probe,
    stats: &'a Stats,
}

impl Counter<'_> {
    async fn count(&self) -> Result<u64, String> {
        let from = self.stats.from.clone().into_parts()?;
        let answer = self.probe.fetch(&from).await.map_err(|it| it.to_string())?;
        if !answer.head.status.is_success() {
            return Err(format!("the stats were answered {}", answer.head.status));
        }
        let json: Value = serde_json::from_slice(&answer.seen.bytes())
            .map_err(|error| format!("the stats are no JSON: {error}"))?;
        let pointer = &self.stats.pointer;
        let at = json.pointer(pointer);
        let count = at.and_then(Value::as_u64);
        count.ok_or_else(|| format!("the stats have no number at {pointer:?}: {json}"))
    }

    /// The count, or why there is none.
    async fn told(&self) -> String {
        let count = self.count().await;
        count.map_or_else(|reason| reason, |count| count.to_string())
    }

    /// Asks until the count is like this, or the time is over.
    async fn comes_to(&self, wanted: impl Fn(u64) -> bool, within: Duration) -> bool {
        let give_up = Instant::now() + within;
        loop {
            if self.count().await.is_ok_and(&wanted) {
                return true;
            }
            if Instant::now() >= give_up {
                return false;
            }
            sleep(SLACK / 10).await;
        }
    }
}
