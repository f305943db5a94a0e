//! A stream has no length.

use std::sync::Arc;

use http::header::CONTENT_LENGTH;

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;

pub(super) const CHECK: Check = Check {
    id: "content-length",
    title: "There is no content-length",
    why: "After so many bytes the response is over, whatever the server wants to send; with fewer \
          it is incomplete.",
    source: "https://www.rfc-editor.org/rfc/rfc9112#section-6.3",
    needs: Needs::Stream,
    alone: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: Arc<Context>) -> Verdict {
    let length = match context.first() {
        Ok(first) => first.head.headers.get(CONTENT_LENGTH).cloned(),
        Err(verdict) => return verdict,
    };
    let Some(length) = length else {
        return Verdict::pass("none");
    };
    let observation = match context.observation().await {
        Ok(observation) => observation,
        Err(verdict) => return verdict,
    };
    let size = observation.seen.size();
    let length = String::from_utf8_lossy(length.as_bytes()).into_owned();
    let hint = "Send the response in chunks: don't set content-length, nor know the body's size.";
    if context.expectations.ends && observation.seen.end.is_some() {
        let evidence = format!("content-length: {length}, of which {size} came");
        return Verdict::warn(evidence, hint);
    }
    Verdict::fail(
        format!("content-length: {length}; {size} bytes came so far"),
        hint,
    )
}
