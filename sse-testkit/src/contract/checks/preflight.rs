//! What a browser asks before a request that is not simple.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method};

use super::cors::told;
use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;

pub(super) const CHECK: Check = Check {
    id: "preflight",
    title: "The preflight allows the method, Last-Event-ID and the request's headers",
    why: "Clients built on fetch send an authorization, JSON and Last-Event-ID, for which a browser \
          asks first; EventSource itself does not.",
    source: "https://fetch.spec.whatwg.org/#cors-preflight-fetch",
    needs: Needs::Stream,
    alone: false,
    run: |context| Box::pin(run(context)),
};

const HINT: &str = "Answer OPTIONS with 204, access-control-allow-origin, -methods and -headers \
                    (last-event-id among them).";

async fn run(context: Arc<Context>) -> Verdict {
    let Some(cors) = &context.expectations.cors else {
        return Verdict::not_applicable("no origin is expected to read it");
    };
    let target = context.probe.target();
    let headers = target.headers.iter();
    let mut asked: Vec<_> = headers
        .filter(|(name, value)| !is_safelisted(name, value))
        .map(|(name, _)| name.as_str())
        .collect();
    // Without one of these or a method of its own, a page can do without a preflight.
    let simple = matches!(target.method, Method::GET | Method::HEAD | Method::POST);
    let demanded = !asked.is_empty() || !simple;
    asked.push("last-event-id");
    asked.sort_unstable();

    let (Ok(origin), Ok(method), Ok(headers)) = (
        HeaderValue::from_str(&cors.origin),
        HeaderValue::from_str(target.method.as_str()),
        HeaderValue::from_str(&asked.join(",")),
    ) else {
        return Verdict::not_applicable("the origin can't be sent");
    };
    let ask = context.probe.ask().method(Method::OPTIONS).without_body();
    let ask = ask.header("accept", HeaderValue::from_static("*/*"));
    let ask = ask.header("origin", origin);
    let ask = ask.header("access-control-request-method", method);
    let ask = ask.header("access-control-request-headers", headers);
    let answer = match context.probe.open(ask.without_authorization()).await {
        Ok(answer) => answer,
        Err(reason) => return Verdict::short_of(demanded, reason.to_string(), HINT),
    };
    let status = answer.head.status;
    if !status.is_success() {
        let evidence = format!("OPTIONS was answered {status}");
        return Verdict::short_of(demanded, evidence, HINT);
    }
    let headers = &answer.head.headers;
    let origin = told(headers, "access-control-allow-origin");
    if origin != cors.origin && (origin != "*" || cors.credentials) {
        let evidence = format!("access-control-allow-origin: {origin:?}");
        return Verdict::short_of(demanded, evidence, HINT);
    }
    let credentials = told(headers, "access-control-allow-credentials");
    if cors.credentials && credentials != "true" {
        let evidence = format!("access-control-allow-credentials: {credentials:?}");
        return Verdict::short_of(demanded, evidence, HINT);
    }
    let methods = told(headers, "access-control-allow-methods");
    let any = |list: &str| !cors.credentials && list.trim() == "*";
    let lists = |list: &str, name: &str| list.split(',').any(|it| it.trim() == name);
    if !simple && !any(&methods) && !lists(&methods, target.method.as_str()) {
        let evidence = format!("access-control-allow-methods: {methods:?}");
        return Verdict::short_of(demanded, evidence, HINT);
    }
    let allowed = told(headers, "access-control-allow-headers").to_ascii_lowercase();
    for name in asked {
        // The wildcard does not stand for this one.
        let any = any(&allowed) && name != "authorization";
        if !any && !lists(&allowed, name) {
            let evidence = format!("{name} is not among access-control-allow-headers: {allowed:?}");
            return Verdict::short_of(demanded && name != "last-event-id", evidence, HINT);
        }
    }
    Verdict::pass(format!("{status}, allows {allowed}"))
}

/// Whether a browser sends it without asking, or does not let a page set it.
fn is_safelisted(name: &HeaderName, value: &HeaderValue) -> bool {
    let name = name.as_str();
    if name == "content-type" {
        let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        let essence = value.split(';').next().unwrap_or_default();
        return matches!(
            essence.trim(),
            "application/x-www-form-urlencoded" | "multipart/form-data" | "text/plain"
        );
    }
    let safe = ["accept", "accept-language", "content-language"];
    let forbidden = ["accept-encoding", "cookie", "host", "origin", "referer"];
    safe.contains(&name) || forbidden.contains(&name) || name.starts_with("sec-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_safe_depends_on_the_value_too() {
        let safe = |name: &'static str, value| {
            let name = HeaderName::from_static(name);
            is_safelisted(&name, &HeaderValue::from_static(value))
        };
        assert!(safe("accept", "text/event-stream"));
        assert!(safe("cookie", "a=b"));
        assert!(safe("content-type", "Text/Plain; charset=utf-8"));
        assert!(!safe("content-type", "application/json"));
        assert!(!safe("authorization", "Bearer x"));
        assert!(!safe("x-tenant", "1"));
    }
}
