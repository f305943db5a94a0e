//! Telling a client to stop.

use std::sync::Arc;

use http::StatusCode;
use http::header::CONTENT_LENGTH;

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;

pub(super) const CHECK: Check = Check {
    id: "stop",
    title: "A client that should stop is answered 204",
    why: "After the end of a 200 EventSource comes back, again and again; 204 is how a server tells \
          it to stop.",
    source: "https://html.spec.whatwg.org/multipage/server-sent-events.html#server-sent-events-intro",
    needs: Needs::Nothing,
    alone: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: Arc<Context>) -> Verdict {
    let Some(stopped) = context.expectations.stopped.clone() else {
        return Verdict::not_applicable("no request is expected to be answered 204");
    };
    let Ok(stopped) = stopped.into_parts() else {
        return Verdict::not_applicable("the request is not valid");
    };
    let hint = "Answer 204 No Content, without content-length and without a body.";
    let answer = match context.probe.fetch_stream(&stopped).await {
        Ok(answer) => answer,
        Err(reason) => return Verdict::fail(reason.to_string(), hint),
    };
    let status = answer.head.status;
    if status != StatusCode::NO_CONTENT {
        return Verdict::fail(format!("it was answered {status}"), hint);
    }
    match answer.head.headers.get(CONTENT_LENGTH) {
        Some(length) => Verdict::fail(
            format!("204 with content-length: {length:?}, which RFC 9110 8.6 forbids"),
            hint,
        ),
        None => Verdict::pass(status.to_string()),
    }
}
