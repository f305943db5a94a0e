//! The same over HTTP/1.1 and HTTP/2.

use std::sync::Arc;
use std::time::Duration;

use http::Version;

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;
use crate::contract::probe::NoAnswer;
use crate::contract::target::protocol;

pub(super) const CHECK: Check = Check {
    id: "protocols",
    title: "HTTP/1.1 and HTTP/2 are answered alike",
    why: "Browsers allow six streams over HTTP/1.1 and about a hundred over HTTP/2, where a header \
          such as connection makes the whole response malformed.",
    source: "https://www.rfc-editor.org/rfc/rfc9113#section-8.2.2",
    needs: Needs::Stream,
    alone: false,
    run: |context| Box::pin(run(context)),
};

/// A server that does not speak the other protocol may say nothing at all.
const PATIENCE: Duration = Duration::from_secs(2);

async fn run(context: Arc<Context>) -> Verdict {
    let target = context.probe.target();
    let other = match target.version {
        Version::HTTP_2 => Version::HTTP_11,
        _ => Version::HTTP_2,
    };
    let name = protocol(&target.url, other);
    let expected = context.expectations.both_protocols;
    let hint = "Leave connection, keep-alive and transfer-encoding to the HTTP library.";
    let ask = context.probe.ask().version(other).within(PATIENCE);
    let mut answer = match context.probe.open(ask).await {
        Ok(answer) => answer,
        // The peer speaks HTTP/2, and what it said on this stream breaks its rules.
        Err(NoAnswer::Broken(reason)) if reason.contains("stream error") => {
            return Verdict::fail(format!("over {name}: {reason}"), hint);
        }
        Err(reason) if expected => {
            return Verdict::fail(format!("over {name}: {reason}"), "Serve both protocols.");
        }
        Err(_) => return Verdict::not_applicable(format!("the server does not speak {name}")),
    };
    let first = match context.first() {
        Ok(first) => &first.head,
        Err(verdict) => return verdict,
    };
    let hint = "Answer both alike: look for code that asks for the request's version.";
    let (one, two) = (first.status, answer.head.status);
    if one != two {
        let spoken = match expected {
            false if two == http::StatusCode::HTTP_VERSION_NOT_SUPPORTED => {
                return Verdict::not_applicable(format!("the server does not speak {name}"));
            }
            _ => format!("{two} over {name}, {one} otherwise"),
        };
        return Verdict::fail(spoken, hint);
    }
    for header in [
        "content-type",
        "cache-control",
        "x-accel-buffering",
        "content-encoding",
    ] {
        let (one, two) = (first.headers.get(header), answer.head.headers.get(header));
        if one != two {
            let evidence = format!("{header} is {two:?} over {name}, {one:?} otherwise");
            return Verdict::fail(evidence, hint);
        }
    }
    let observation = match context.observation().await {
        Ok(observation) => observation,
        Err(verdict) => return verdict,
    };
    if let Some(first) = observation.seen.chunks.first() {
        let patience = first.elapsed + context.expectations.prompt;
        answer.read_for(patience, |seen| seen.size() > 0).await;
        // An event that was produced on request came before this stream was there.
        if answer.seen.size() == 0 && observation.produced.is_empty() {
            let evidence = format!("no bytes over {name} in {:.1?}", answer.elapsed());
            return Verdict::fail(evidence, hint);
        }
    }
    Verdict::pass(format!("the same over {name}"))
}
