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
    if told.is_empty() && context.probe.target().method != Method::GET {
        return Verdict::not_applicable("only the answer to a GET is stored without being asked");
    }
    let evidence = match told.is_empty() {
        true => "there is no cache-control".to_owned(),
        false => format!("cache-control: {told}"),
    };
    let hint = "Set cache-control: no-cache, or no-store.";
    match may_answer_others(&told) {
        Some(false) => Verdict::pass(evidence),
        Some(true) => Verdict::fail(evidence, hint),
        None => Verdict::warn(evidence, hint),
    }
}

/// Whether a cache between server and browser may answer with it, if that is said.
fn may_answer_others(told: &str) -> Option<bool> {
    let directives = || told.split(',').map(str::trim);
    let own = ["no-store", "no-cache", "private"];
    if directives().any(|it| own.contains(&it)) {
        return Some(false);
    }
    let ages = directives().filter_map(|it| match it.split_once('=')? {
        ("max-age" | "s-maxage", age) => Some(age.trim_matches('"') != "0"),
        _ => None,
    });
    let public = directives().filter(|it| *it == "public").map(|_| true);
    ages.chain(public).reduce(|one, other| one || other)
}

#[cfg(test)]
mod tests {
    use super::may_answer_others;

    #[test]
    fn a_cache_may_answer_with_what_is_public_or_fresh() {
        let cases = [
            ("no-cache, no-transform", Some(false)),
            ("public, no-cache", Some(false)),
            ("private, max-age=60", Some(false)),
            ("max-age=0", Some(false)),
            ("max-age=\"60\"", Some(true)),
            ("max-age=0, s-maxage=60", Some(true)),
            ("public", Some(true)),
            ("no-transform", None),
            ("", None),
        ];
        for (told, expected) in cases {
            assert_eq!(may_answer_others(told), expected, "{told:?}");
        }
    }
}
