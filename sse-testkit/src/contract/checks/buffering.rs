//! What proxies are told.

use std::sync::Arc;

use http::header::CACHE_CONTROL;

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;

pub(super) const CHECK: Check = Check {
    id: "buffering",
    title: "Proxies are told to pass events on at once, and as they are",
    why: "nginx collects a response in buffers of several KiB unless the response says otherwise, \
          and any proxy may compress it unless cache-control forbids to transform it.",
    source: "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering",
    needs: Needs::Stream,
    alone: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: Arc<Context>) -> Verdict {
    let headers = match context.first() {
        Ok(first) => &first.head.headers,
        Err(verdict) => return verdict,
    };
    let buffering = headers.get("x-accel-buffering");
    let buffering = buffering.map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
    let unbuffered = buffering
        .as_deref()
        .is_some_and(|it| it.trim().eq_ignore_ascii_case("no"));
    let untransformed = headers.get_all(CACHE_CONTROL).iter().any(|value| {
        let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        value.split(',').any(|it| it.trim() == "no-transform")
    });
    if unbuffered && untransformed {
        return Verdict::pass("x-accel-buffering: no, cache-control: no-transform");
    }
    let mut missing = Vec::new();
    if !unbuffered {
        missing.push(match buffering {
            Some(value) => format!("x-accel-buffering is {value:?}"),
            None => "there is no x-accel-buffering".to_owned(),
        });
    }
    if !untransformed {
        missing.push("cache-control lacks no-transform".to_owned());
    }
    Verdict::warn(
        missing.join(", "),
        "Set x-accel-buffering: no, and add no-transform to cache-control.",
    )
}
