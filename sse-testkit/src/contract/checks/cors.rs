//! Pages of another origin.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;

pub(super) const CHECK: Check = Check {
    id: "cors",
    title: "Pages of the expected origin may read the stream",
    why: "Without access-control-allow-origin a browser hides the response from a page of another \
          origin: its EventSource gets an error instead of the stream.",
    source: "https://fetch.spec.whatwg.org/#cors-check",
    needs: Needs::Stream,
    alone: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: Arc<Context>) -> Verdict {
    let Some(cors) = &context.expectations.cors else {
        return Verdict::not_applicable("no origin is expected to read it");
    };
    let headers = match with_origin(&context, &cors.origin).await {
        Ok(headers) => headers,
        Err(verdict) => return verdict,
    };
    let hint = "Set access-control-allow-origin to the origin, once, and vary: origin.";
    let allowed = told(&headers, "access-control-allow-origin");
    if allowed.is_empty() {
        return Verdict::fail("there is no access-control-allow-origin", hint);
    }
    if allowed != cors.origin && allowed != "*" {
        return Verdict::fail(format!("access-control-allow-origin: {allowed}"), hint);
    }
    // What is sent whoever asks need not vary.
    let always = match context.first() {
        Ok(first) => told(&first.head.headers, "access-control-allow-origin") == allowed,
        Err(verdict) => return verdict,
    };
    if !always && !varies_by_origin(&headers) {
        let evidence = format!("access-control-allow-origin: {allowed}, but no vary: origin");
        return Verdict::warn(evidence, hint);
    }
    Verdict::pass(format!("access-control-allow-origin: {allowed}"))
}

/// The headers of the answer to a page of this origin.
pub(super) async fn with_origin(context: &Context, origin: &str) -> Result<HeaderMap, Verdict> {
    let hint = "Answer a request with an origin like any other.";
    let value = HeaderValue::from_str(origin)
        .map_err(|_| Verdict::fail(format!("{origin:?} is no origin"), "Name one, in ASCII."))?;
    let ask = context.probe.ask().header("origin", value);
    match context.probe.open(ask).await {
        Ok(answer) if answer.head.status.is_success() => Ok(answer.head.headers),
        Ok(answer) => {
            let evidence = format!("with origin {origin} the answer was {}", answer.head.status);
            Err(Verdict::fail(evidence, hint))
        }
        Err(reason) => Err(Verdict::fail(reason.to_string(), hint)),
    }
}

/// A header's value, empty if there is none; several as a client joins them.
pub(super) fn told(headers: &HeaderMap, name: &str) -> String {
    let values = headers.get_all(name).iter();
    let values: Vec<_> = values
        .map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned())
        .collect();
    values.join(", ")
}

fn varies_by_origin(headers: &HeaderMap) -> bool {
    let vary = told(headers, "vary").to_ascii_lowercase();
    vary.split(',')
        .any(|it| matches!(it.trim(), "origin" | "*"))
}
