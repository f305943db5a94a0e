//! Ids that the server never sent.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode};

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;
use crate::contract::probe::End;

pub(super) const CHECK: Check = Check {
    id: "foreign-ids",
    title: "A Last-Event-ID the server does not know breaks nothing",
    why: "Clients come back after a restart, with ids of a server before it, of another version \
          or of another node; an error would make EventSource give up for good.",
    source: "https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header",
    needs: Needs::Stream,
    alone: false,
    run: |context| Box::pin(run(context)),
};

/// What trips over an id breaks the stream off by then.
const STUMBLES: Duration = Duration::from_millis(50);

/// Large for an id, and small enough for any server's limit on a header.
const HUGE: usize = 2048;

async fn run(context: Arc<Context>) -> Verdict {
    let huge = vec![b'9'; HUGE];
    let ids: [(&str, &[u8]); 7] = [
        ("no number", b"garbage %00 ; DROP"),
        ("a negative number", b"-1"),
        ("a number beyond 64 bits", b"99999999999999999999999"),
        ("somebody else's", b"0191b7c2-5a4e-7bbd-9a3c-7f3f5b7f0c11"),
        ("not ASCII", "\u{e9}\u{4e16}\u{1f600}".as_bytes()),
        // EventSource sends UTF-8; clients built on fetch send each character as a byte.
        ("not UTF-8", b"\xff\xfe\x80"),
        ("2 KiB long", &huge),
    ];
    let hint = "Answer an id you don't know as if there was none, or tell the gap in an event.";
    for (what, id) in ids {
        let Ok(value) = HeaderValue::from_bytes(id) else {
            continue;
        };
        let ask = context.probe.ask().header("last-event-id", value);
        let mut answer = match context.probe.open(ask).await {
            Ok(answer) => answer,
            Err(reason) => return Verdict::fail(format!("an id that is {what}: {reason}"), hint),
        };
        let status = answer.head.status;
        if status != StatusCode::OK || !answer.head.is_event_stream() {
            return Verdict::fail(format!("an id that is {what} was answered {status}"), hint);
        }
        answer.read_for(STUMBLES, |_| false).await;
        if let Some((_, End::Broken(reason))) = &answer.seen.end {
            let evidence = format!("with an id that is {what} the stream broke off: {reason}");
            return Verdict::fail(evidence, hint);
        }
    }
    Verdict::pass(format!("{} ids, each answered with a stream", ids.len()))
}
