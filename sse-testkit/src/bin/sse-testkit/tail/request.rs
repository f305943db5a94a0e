//! From arguments to a request.

use sse_testkit::{RequestBuilder, connect};

use super::Args;
use crate::parse;

pub(super) fn build(args: &Args) -> Result<RequestBuilder, String> {
    let mut request = connect(parse::url(&args.url));
    if let Some(path) = &args.post {
        request = request.post(parse::body(path)?);
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
