//! From arguments to a request.

use std::io::Read as _;
use std::path::Path;

use http::Method;
use http::header::CONTENT_TYPE;
use serde::de::IgnoredAny;
use sse_testkit::{RequestBuilder, connect};

use super::Args;

pub(super) fn build(args: &Args) -> Result<RequestBuilder, String> {
    // There may be another address in the query.
    let scheme = args.url.split_once("://").map(|(scheme, _)| scheme);
    let url = match scheme.is_some_and(|scheme| !scheme.contains(['/', '?'])) {
        true => args.url.clone(),
        false => format!("http://{}", args.url),
    };
    let mut request = connect(url);
    if let Some(path) = &args.post {
        let body = read(path).map_err(|error| format!("can't read {}: {error}", path.display()))?;
        let content_type = match serde_json::from_slice::<IgnoredAny>(&body) {
            Ok(_) => "application/json",
            Err(_) => "application/octet-stream",
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

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut body = Vec::new();
        std::io::stdin().read_to_end(&mut body)?;
        return Ok(body);
    }
    std::fs::read(path)
}
