//! Replacing what differs from run to run.

use std::collections::HashMap;

use regex_lite::Regex;
use serde::de::IgnoredAny;

use super::render::token;

/// What to replace or leave out in [transcripts](super::Transcript), written down once for all of a
/// test file.
///
/// ```
/// use std::sync::LazyLock;
///
/// use sse_testkit::Redactions;
///
/// static REDACTIONS: LazyLock<Redactions> = LazyLock::new(|| {
///     Redactions::new()
///         .ids()
///         .json("at", "[time]")
///         .header("x-request-id", "[request]")
///         .text("took [0-9]+ ms", "took [n] ms")
/// });
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let stream = ([("content-type", "text/event-stream"), ("x-request-id", "4f1c")],
/// #     "id: 01J\ndata: {\"at\":1712,\"n\":1}\n\n: took 17 ms\n\n");
/// # let app = axum::Router::new().route("/", axum::routing::get(move || async move { stream }));
/// let mut sse = sse_testkit::get(app, "/").await;
/// sse.collect_to_end().await;
/// insta::assert_snapshot!(sse.transcript().redact_with(&REDACTIONS), @r#"
/// HTTP 200 OK
/// content-length: 47
/// content-type: text/event-stream
/// x-request-id: [request]
///
/// +0ms     event message #[id-1] | {"at":"[time]","n":1}
/// +0ms     comment : took [n] ms
/// +0ms     end
/// "#);
/// # }
/// ```
///
/// Ids are numbered within each transcript.
#[derive(Debug, Clone, Default)]
#[must_use = "a transcript takes it"]
pub struct Redactions {
    ids: bool,
    json: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    text: Vec<(Regex, String)>,
    pub(super) without_headers: bool,
    pub(super) without_times: bool,
}

impl Redactions {
    /// Nothing is replaced.
    pub fn new() -> Self {
        Self::default()
    }

    /// Numbers the ids: the first one that appears becomes `[id-1]`, wherever it stands.
    pub fn ids(mut self) -> Self {
        self.ids = true;
        self
    }

    /// Replaces the values of this key, however deep, in data that is JSON. The replacement is
    /// shown as a JSON string.
    pub fn json(mut self, key: impl Into<String>, replacement: impl Into<String>) -> Self {
        self.json.push((key.into(), replacement.into()));
        self
    }

    /// Replaces the value of this header.
    pub fn header(mut self, name: impl AsRef<str>, replacement: impl Into<String>) -> Self {
        let name = name.as_ref().to_ascii_lowercase();
        self.headers.push((name, replacement.into()));
        self
    }

    /// Replaces what matches this regular expression (in the syntax of the `regex` crate) anywhere
    /// in the finished text; the replacement may use `$1`.
    ///
    /// # Panics
    ///
    /// If the regular expression is not valid.
    #[track_caller]
    pub fn text(mut self, pattern: &str, replacement: impl Into<String>) -> Self {
        match Regex::new(pattern) {
            Ok(regex) => self.text.push((regex, replacement.into())),
            Err(error) => panic!("{pattern:?} is no regular expression: {error}"),
        }
        self
    }

    /// Leaves out the headers.
    pub fn without_headers(mut self) -> Self {
        self.without_headers = true;
        self
    }

    /// Leaves out the times, which differ from run to run in real time.
    pub fn without_times(mut self) -> Self {
        self.without_times = true;
        self
    }

    /// Does all that others do as well; where both replace the same, the earlier ones win.
    pub fn and(mut self, others: &Self) -> Self {
        self.ids |= others.ids;
        self.json.extend_from_slice(&others.json);
        self.headers.extend_from_slice(&others.headers);
        self.text.extend_from_slice(&others.text);
        self.without_headers |= others.without_headers;
        self.without_times |= others.without_times;
        self
    }
}

/// The ids of one transcript, by their first appearance.
#[derive(Debug, Default)]
pub(super) struct Ids(HashMap<String, usize>);

impl Redactions {
    /// The id to show; `None` for the empty one, which means "no id".
    pub(super) fn shown_id(&self, id: &str, ids: &mut Ids) -> Option<String> {
        if id.is_empty() {
            return None;
        }
        self.numbered_id(id, ids).or_else(|| Some(token(id)))
    }

    /// What stands for the id, where ids are numbered.
    pub(super) fn numbered_id(&self, id: &str, ids: &mut Ids) -> Option<String> {
        if !self.ids {
            return None;
        }
        let next = ids.0.len() + 1;
        let number = ids.0.entry(id.to_owned()).or_insert(next);
        Some(format!("[id-{number}]"))
    }

    pub(super) fn shown_header<'a>(&'a self, name: &str, value: &'a str) -> &'a str {
        let redaction = self.headers.iter().find(|(it, _)| it == name);
        redaction.map_or(value, |(_, replacement)| replacement)
    }

    pub(super) fn shown_data(&self, data: &str) -> String {
        let mut data = data.to_owned();
        for (key, replacement) in self.json.iter().rev() {
            data = json(&data, key, replacement);
        }
        data
    }

    pub(super) fn shown_text(&self, mut text: String) -> String {
        for (regex, replacement) in &self.text {
            text = regex.replace_all(&text, &**replacement).into_owned();
        }
        text
    }
}

/// Replaces values where they stand: a snapshot shows the layout and the order of what was sent,
/// which decoding and encoding again would not keep.
fn json(text: &str, key: &str, replacement: &str) -> String {
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(quote) = rest.find('"') {
        out.push_str(&rest[..quote]);
        rest = &rest[quote..];
        let (string, after) = rest.split_at(value_length(rest));
        out.push_str(string);
        rest = after;

        // Only a key has a colon after it.
        let after = rest.trim_start();
        let is_key = serde_json::from_str::<String>(string).is_ok_and(|it| it == key);
        if let (true, Some(after)) = (is_key, after.strip_prefix(':')) {
            let value = after.trim_start();
            out.push_str(&rest[..rest.len() - value.len()]);
            out.push_str(&serde_json::Value::from(replacement).to_string());
            rest = &value[value_length(value)..];
        }
    }
    out.push_str(rest);
    out
}

/// How many bytes the JSON value at the start of this text has.
fn value_length(text: &str) -> usize {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => values.byte_offset(),
        // Can't be, the whole text is JSON; and then it ends the search.
        _ => text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::json;

    #[test]
    fn a_json_key_is_redacted_wherever_it_stands_and_the_layout_is_kept() {
        let cases = [
            (r#"{"t":1,"a":"t"}"#, r#"{"t":"[t]","a":"t"}"#),
            (
                r#"{ "t" : {"t":[1,"}"]}, "z":0 }"#,
                r#"{ "t" : "[t]", "z":0 }"#,
            ),
            (
                r#"[{"a":{"t":null}},{"t":"x\"y"}]"#,
                r#"[{"a":{"t":"[t]"}},{"t":"[t]"}]"#,
            ),
            (r#"{"\u0074":-1.5e3}"#, r#"{"\u0074":"[t]"}"#),
            (r#"{"at":1}"#, r#"{"at":1}"#),
            (r#""t""#, r#""t""#),
            (r#"t: "t":1"#, r#"t: "t":1"#),
            ("not json", "not json"),
        ];
        for (text, expected) in cases {
            assert_eq!(json(text, "t", "[t]"), expected);
        }
    }
}
