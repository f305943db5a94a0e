//! Compression, which holds events back unless each is flushed.

use std::sync::Arc;

use http::HeaderValue;
use http::header::CONTENT_ENCODING;

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;
use crate::contract::expectations::SLACK;

pub(super) const CHECK: Check = Check {
    id: "content-encoding",
    title: "No content coding holds events back, even if the client accepts gzip and br",
    why: "Browsers always accept compression, and a compressor that is not flushed waits for more \
          input before it emits anything: events come in bunches, much later.",
    source: "https://www.rfc-editor.org/rfc/rfc9110#section-8.4",
    needs: Needs::Stream,
    alone: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: Arc<Context>) -> Verdict {
    let hint = "Leave text/event-stream out of what is compressed, or flush the compressor after \
                each event.";
    match context.first() {
        Ok(first) => {
            if let Some(coding) = &first.coding {
                let evidence = format!("content-encoding: {coding}, although identity was asked");
                return Verdict::fail(evidence, hint);
            }
        }
        Err(verdict) => return verdict,
    }
    let accepted = HeaderValue::from_static("gzip, deflate, br, zstd");
    let ask = context.probe.ask().header("accept-encoding", accepted);
    let mut answer = match context.probe.open(ask).await {
        Ok(answer) => answer,
        Err(reason) => return Verdict::fail(format!("asked to compress: {reason}"), hint),
    };
    let Some(coding) = answer.coding() else {
        return match answer.head.headers.contains_key(CONTENT_ENCODING) {
            true => Verdict::warn(
                "content-encoding: identity",
                "Leave the header out: RFC 9110 reserves identity for accept-encoding.",
            ),
            false => Verdict::pass("none, with gzip, deflate, br and zstd accepted"),
        };
    };
    // As long as it took without compression, and some more.
    let header = header(&coding);
    answer
        .read_for(context.expectations.observed_for(), |seen| {
            seen.size() > header
        })
        .await;
    let (size, at) = (answer.seen.size(), answer.elapsed());
    let observation = match context.observation().await {
        Ok(observation) => observation,
        Err(verdict) => return verdict,
    };
    let Some(plain) = observation.seen.chunks.first().map(|it| it.elapsed) else {
        let evidence = format!("content-encoding: {coding}; nothing came that it could hold back");
        return Verdict::warn(evidence, hint);
    };
    if size <= header || at > plain + SLACK {
        let evidence = format!(
            "content-encoding: {coding}; {size} bytes came in {at:.1?}, the first after \
             {plain:.1?} without it"
        );
        return Verdict::fail(evidence, hint);
    }
    Verdict::warn(
        format!("content-encoding: {coding}; it seems to be flushed"),
        "Make sure that each event is flushed: not every proxy and client reads a compressed \
         stream as it comes.",
    )
}

/// How many bytes a compressor writes before it has read anything.
fn header(coding: &str) -> usize {
    match coding {
        "gzip" | "x-gzip" | "zstd" => 10,
        "deflate" => 2,
        _ => 1,
    }
}
