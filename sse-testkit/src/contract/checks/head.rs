//! HEAD: the headers, and no stream.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode, Version};

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;
use crate::contract::probe::head_end;
use crate::record::Head;

pub(super) const CHECK: Check = Check {
    id: "head",
    title: "HEAD is answered like GET, without a stream",
    why: "Monitors and link checkers send HEAD; a server that starts a stream for it sends bytes \
          that nobody expects, or keeps a slot.",
    source: "https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2",
    needs: Needs::Stream,
    alone: false,
    run: |context| Box::pin(run(context)),
};

/// A body would begin by then.
const SILENCE: Duration = Duration::from_millis(300);

const HINT: &str = "Answer HEAD with the headers of GET, and end the response there.";

async fn run(context: Arc<Context>) -> Verdict {
    if context.probe.target().method != Method::GET {
        return Verdict::not_applicable("the stream is no GET");
    }
    let ask = context.probe.ask().method(Method::HEAD);
    if context.probe.target().version == Version::HTTP_11 {
        // An HTTP client hides what comes after the head, or takes it for a broken answer.
        match context.probe.raw(ask.clone(), SILENCE).await {
            Ok(bytes) => {
                let body = head_end(&bytes).map_or(0, |end| bytes.len() - end);
                if body > 0 {
                    let evidence = format!("{body} bytes came after the head");
                    return Verdict::fail(evidence, HINT);
                }
            }
            Err(reason) => return Verdict::fail(reason.to_string(), HINT),
        }
    }
    let answer = match context.probe.open(ask).await {
        Ok(answer) => answer,
        Err(reason) => return Verdict::fail(reason.to_string(), HINT),
    };
    let first = match context.first() {
        Ok(first) => &first.head,
        Err(verdict) => return verdict,
    };
    compare(&answer.head, first)
}

fn compare(head: &Head, get: &Head) -> Verdict {
    let status = head.status;
    if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED {
        return Verdict::fail(format!("HEAD was answered {status}"), HINT);
    }
    if status != get.status {
        return Verdict::warn(format!("HEAD was answered {status}"), HINT);
    }
    for name in ["content-type", "cache-control"] {
        let (head, get) = (head.headers.get(name), get.headers.get(name));
        if head != get {
            let evidence = format!("{name} is {head:?} for HEAD, {get:?} for GET");
            return Verdict::warn(evidence, HINT);
        }
    }
    Verdict::pass("the same headers, and no body")
}
