//! An event stream is a 200.

use std::sync::Arc;

use http::StatusCode;

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;

pub(super) const CHECK: Check = Check {
    id: "status",
    title: "The request is answered with 200",
    why: "EventSource fails for good on any other status, and does not reconnect.",
    source: "https://html.spec.whatwg.org/multipage/server-sent-events.html#dom-eventsource",
    needs: Needs::Nothing,
    alone: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: Arc<Context>) -> Verdict {
    let head = match &context.first {
        Ok(first) => &first.head,
        Err(reason) => {
            let hint = "Look at the server's log; does this address speak the protocol at all?";
            return Verdict::fail(reason.to_string(), hint);
        }
    };
    let status = head.status;
    if status == StatusCode::OK {
        return Verdict::pass(status.to_string());
    }
    if status.is_redirection() {
        let location = head.headers.get(http::header::LOCATION);
        let location = location.map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
        let evidence = format!("{status} to {}", location.as_deref().unwrap_or("nowhere"));
        let hint = "EventSource follows redirects at every connection: check where it leads.";
        return Verdict::fail(evidence, hint);
    }
    Verdict::fail(status.to_string(), hint(status))
}

fn hint(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 | 403 => "The request may lack a header, such as the authorization.",
        404 | 410 => "Is this the stream's path?",
        405 => "Is the stream opened by another method, such as a POST?",
        500.. => "Look at the server's log.",
        _ => "Answer 200 to open a stream; does the request lack a header?",
    }
}
