//! A stream must not be stored.

use std::sync::Arc;

use http::Method;
use http::header::CACHE_CONTROL;

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;

pub(super) const CHECK: Check = Check {
    id: "cache-control",
    title: "No cache may answer in the server's place",
    why: "A cache may answer with a fresh response that it has stored, and several clients with the \
          same one; EventSource bypasses the browser's own cache, but not those in between.",
    source: "https://www.rfc-editor.org/rfc/rfc9111#section-4",
    needs: Needs::Stream,
    alone: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: Arc<Context>) -> Verdict {
    let headers = match context.first() {
        Ok(first) => &first.head.headers,
        Err(verdict) => return verdict,
    };
    let values = headers.get_all(CACHE_CONTROL).iter();
    let told: Vec<_> = values
        .map(|it| String::from_utf8_lossy(it.as_bytes()).to_ascii_lowercase())
        .collect();
    let told = told.join(", ");
    let hint = "Set cache-control: no-cache, or no-store.";
    let directives = || told.split(',').map(str::trim);
    if directives().any(|it| it == "no-store" || it == "no-cache") {
        return Verdict::pass(format!("cache-control: {told}"));
    }
    let fresh = |directive: &str| match directive.split_once('=') {
        Some(("max-age" | "s-maxage", age)) => age.trim_matches('"') != "0",
        _ => directive == "immutable" || directive == "public",
    };
    if directives().any(fresh) {
        return Verdict::fail(format!("cache-control: {told}"), hint);
    }
    if directives().any(|it| it == "private" || it.starts_with("max-age=")) {
        return Verdict::pass(format!("cache-control: {told}"));
    }
    if context.probe.target().method != Method::GET {
        return Verdict::not_applicable("only the answer to a GET is stored without being asked");
    }
    let evidence = match told.is_empty() {
        true => "there is no cache-control".to_owned(),
        false => format!("cache-control: {told}"),
    };
    Verdict::warn(evidence, hint)
}
