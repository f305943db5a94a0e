//! One stream too many.

use std::sync::Arc;

use http::StatusCode;
use tokio::time::{Instant, sleep};

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;
use crate::contract::expectations::SLACK;
use crate::contract::probe::{Answer, End, NoAnswer};
use crate::parser::Item;

pub(super) const CHECK: Check = Check {
    id: "limit",
    title: "The limit holds for as long as streams are open, and is answered as documented",
    why: "A limit that counts requests instead of open streams never holds a stream back, and one \
          that does not count them down locks everyone out.",
    source: "https://www.rfc-editor.org/rfc/rfc6585#section-4",
    needs: Needs::Stream,
    alone: true,
    run: |context| Box::pin(run(context)),
};

/// More are not opened.
const MOST: usize = 1000;

const HINT: &str = "Hold the permit in the response's body, and let it go when that is dropped.";

async fn run(context: Arc<Context>) -> Verdict {
    let Some(limit) = context.expectations.limit else {
        return Verdict::not_applicable("no limit is expected");
    };
    if limit.streams > MOST {
        return Verdict::not_applicable(format!(
            "it would take more than {MOST} streams to see it"
        ));
    }
    let mut streams = Vec::new();
    for n in 0..limit.streams {
        match admitted(&context, limit.status).await {
            Ok(Some(answer)) => streams.push(answer),
            Ok(None) => {
                let evidence = format!("with {n} streams open, one more was refused already");
                return Verdict::fail(evidence, HINT);
            }
            Err(reason) => return Verdict::fail(reason.to_string(), HINT),
        }
    }
    let streams_open = streams.len();
    let mut refused = match context.probe.open_at_once(context.probe.ask()).await {
        Ok(answer) => answer,
        Err(reason) => return Verdict::fail(format!("one stream too many: {reason}"), HINT),
    };
    let status = refused.head.status;
    if status != limit.status {
        let expected = limit.status;
        let evidence = format!(
            "with {streams_open} streams open, one more was answered {status}, not {expected}"
        );
        return Verdict::fail(evidence, HINT);
    }
    if status == StatusCode::OK {
        if let Some(verdict) = is_no_farewell(&context, &mut refused).await {
            return verdict;
        }
    }
    drop(refused);
    streams.pop();
    match admitted(&context, limit.status).await {
        Ok(Some(_)) => Verdict::pass(format!(
            "{streams_open} streams, one more was answered {status}"
        )),
        Ok(None) => Verdict::fail("one stream ended, and its slot stayed taken", HINT),
        Err(reason) => Verdict::fail(reason.to_string(), HINT),
    }
}

/// Opens a stream that has a slot, if need be that of one that is just going.
async fn admitted(context: &Context, refusal: StatusCode) -> Result<Option<Answer>, NoAnswer> {
    let give_up = Instant::now() + context.expectations.noticed_within();
    loop {
        let mut answer = context.probe.open_at_once(context.probe.ask()).await?;
        let refused = match refusal {
            StatusCode::OK => {
                answer.read_for(SLACK, |seen| seen.size() > 0).await;
                answer.read_for(SLACK / 4, |_| false).await;
                answer.seen.end.is_some()
            }
            _ => answer.head.status == refusal,
        };
        if !refused {
            return Ok(Some(answer));
        }
        if Instant::now() >= give_up {
            return Ok(None);
        }
        drop(answer);
        sleep(SLACK / 10).await;
    }
}

/// A 200 that refuses has to end, and to say when to come back.
async fn is_no_farewell(context: &Context, refused: &mut Answer) -> Option<Verdict> {
    refused
        .read_for(context.expectations.prompt, |_| false)
        .await;
    let hint = "Send a `retry:` line and end the response.";
    if !matches!(refused.seen.end, Some((_, End::Clean))) {
        let evidence = "one stream too many was answered 200, and did not end";
        return Some(Verdict::fail(evidence, hint));
    }
    let mut items = refused.seen.items.iter();
    let told = items.any(|(_, item)| matches!(item, Item::Retry(_)));
    let evidence = "one stream too many ended without a retry: it comes back at once";
    (!told).then(|| Verdict::fail(evidence, hint))
}
