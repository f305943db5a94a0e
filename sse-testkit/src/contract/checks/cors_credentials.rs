//! Pages of another origin, and the user's cookies.

use std::sync::Arc;

use super::cors::{told, with_origin};
use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;

pub(super) const CHECK: Check = Check {
    id: "cors-credentials",
    title: "Cookies work for the expected origin, and for no other",
    why: "With withCredentials a browser wants the very origin and allow-credentials; a server \
          that says so to any origin lets every page read the user's stream.",
    source: "https://fetch.spec.whatwg.org/#cors-protocol-and-credentials",
    needs: Needs::Stream,
    alone: false,
    run: |context| Box::pin(run(context)),
};

/// No server knows it.
const STRANGER: &str = "https://sse-testkit-stranger.invalid";

async fn run(context: Arc<Context>) -> Verdict {
    let stranger = match with_origin(&context, STRANGER).await {
        Ok(headers) => headers,
        // To refuse a stranger is fine.
        Err(_) => http::HeaderMap::new(),
    };
    let origin = told(&stranger, "access-control-allow-origin");
    let credentials = told(&stranger, "access-control-allow-credentials") == "true";
    if credentials && origin == STRANGER {
        return Verdict::fail(
            format!(
                "an unknown origin was answered access-control-allow-origin: {origin}, with credentials"
            ),
            "Compare the origin with a list, don't send it back as it came.",
        );
    }
    let expected = context.expectations.cors.as_ref();
    let expected = expected.filter(|it| it.credentials);
    if credentials && origin == "*" {
        return Verdict::short_of(
            expected.is_some(),
            "access-control-allow-origin: * together with access-control-allow-credentials: true",
            "Name the origin; browsers refuse the wildcard where credentials are sent.",
        );
    }
    let Some(cors) = expected else {
        return Verdict::not_applicable("no origin is expected to send cookies");
    };
    let headers = match with_origin(&context, &cors.origin).await {
        Ok(headers) => headers,
        Err(verdict) => return verdict,
    };
    let origin = told(&headers, "access-control-allow-origin");
    let credentials = told(&headers, "access-control-allow-credentials");
    // Whether the origin is right without cookies is another check.
    if credentials != "true" || origin == "*" {
        return Verdict::fail(
            format!("allow-origin: {origin:?}, allow-credentials: {credentials:?}"),
            "Set access-control-allow-credentials: true, and name the origin.",
        );
    }
    Verdict::pass(format!("allowed to {origin}, not to others"))
}
