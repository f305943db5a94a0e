//! From arguments to a request.

use http::Method;
use http::header::CONTENT_TYPE;
use serde::de::IgnoredAny;
use sse_testkit::{RequestBuilder, connect};

use super::Args;
use crate::parse;

pub(super) fn build(args: &Args) -> Result<RequestBuilder, String> {
    let mut request = connect(parse::url(&args.url));
    if let Some(path) = &args.post {
        let body = parse::body(path)?;
        let content_type = match serde_json::from_slice::<IgnoredAny>(&body) {
            Ok(_) => "application/json",
            Err(_) => "text/plain; charset=utf-8",
        };
        request = request
            .method(Method::POST)
            .header(CONTENT_TYPE, content_type)
            .body(body);
    }
    if args.http2 {
        request = request.http2();
    }
    if let Some(pem) = &args.ca {
        request = request.root_certificate(pem);
    }
    for (name, value) in &args.headers {
        request = request.header(name.clone(), value.clone());
    }
    if let Some(id) = &args.last_event_id {
        request = request.last_event_id(id);
    }
    Ok(request)
}
