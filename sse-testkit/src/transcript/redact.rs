//! Replacing what differs from run to run.

use std::collections::HashMap;

use regex_lite::Regex;
use serde::de::IgnoredAny;

use super::render::token;

#[derive(Debug, Clone, Default)]
pub(super) struct Redactions {
    pub(super) ids: bool,
    pub(super) json: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) text: Vec<(Regex, String)>,
}

/// The ids of one transcript, by their first appearance.
#[derive(Debug, Default)]
pub(super) struct Ids(HashMap<String, usize>);

impl Redactions {
    /// The id to show; `None` for the empty one, which means "no id".
    pub(super) fn id(&self, id: &str, ids: &mut Ids) -> Option<String> {
        if id.is_empty() {
            return None;
        }
        if !self.ids {
            return Some(token(id));
        }
        let next = ids.0.len() + 1;
        let number = ids.0.entry(id.to_owned()).or_insert(next);
        Some(format!("[id-{number}]"))
    }

    pub(super) fn header<'a>(&'a self, name: &str, value: &'a str) -> &'a str {
        let redaction = self.headers.iter().find(|(it, _)| it == name);
        redaction.map_or(value, |(_, replacement)| replacement)
    }

    pub(super) fn data(&self, data: &str) -> String {
        let mut data = data.to_owned();
        for (key, replacement) in &self.json {
            data = json(&data, key, replacement);
        }
        data
    }

    pub(super) fn text(&self, mut text: String) -> String {
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
