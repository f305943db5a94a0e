//! What makes a response an event stream.

use std::sync::Arc;

use http::header::CONTENT_TYPE;

use crate::contract::check::{Check, Needs, Verdict};
use crate::contract::context::Context;

pub(super) const CHECK: Check = Check {
    id: "content-type",
    title: "The content type is text/event-stream",
    why: "EventSource fails for good on any other; a charset can only be utf-8.",
    source: "https://html.spec.whatwg.org/multipage/iana.html#text/event-stream",
    needs: Needs::Success,
    alone: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: Arc<Context>) -> Verdict {
    let head = match context.first() {
        Ok(first) => &first.head,
        Err(verdict) => return verdict,
    };
    let values: Vec<_> = head.headers.get_all(CONTENT_TYPE).iter().collect();
    let told: Vec<_> = values
        .iter()
        .map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned())
        .collect();
    let told = told.join("\" and \"");
    let hint = "Set content-type: text/event-stream, once, and nothing else.";
    if values.is_empty() {
        return Verdict::fail("there is no content-type", hint);
    }
    if values.len() > 1 || !head.is_event_stream() {
        return Verdict::fail(format!("content-type \"{told}\""), hint);
    }
    match charset(&told) {
        Some(charset) if !charset.eq_ignore_ascii_case("utf-8") => {
            Verdict::fail(format!("content-type \"{told}\""), hint)
        }
        _ => Verdict::pass(told),
    }
}

fn charset(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1);
    let mut named = parameters.filter_map(|it| it.split_once('='));
    let (_, value) = named.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Some(value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::charset;

    #[test]
    fn the_charset_is_found_in_any_spelling() {
        assert_eq!(charset("text/event-stream"), None);
        assert_eq!(charset("text/event-stream; Charset=UTF-8"), Some("UTF-8"));
        assert_eq!(charset("a/b;x=1;charset=\"latin1\""), Some("latin1"));
    }
}
