//! JSON with other white space: numbers, keys and their order stay as they were sent.

use serde::de::IgnoredAny;

/// Each member on a line of its own; nothing if the text is no object or array.
pub(super) fn spread(json: &str) -> Option<String> {
    let inside = matches!(json.trim_start().as_bytes().first(), Some(b'{' | b'['));
    (inside && is_json(json)).then(|| layout(json, true))
}

/// All on one line, without white space; nothing if the text is no JSON.
pub(super) fn compact(json: &str) -> Option<String> {
    is_json(json).then(|| layout(json, false))
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The text is known to be JSON, so outside of strings each character stands for itself.
fn layout(json: &str, spread: bool) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0usize;
    let (mut in_string, mut escaped) = (false, false);
    let mut chars = json.chars().filter_map(|it| {
        if in_string {
            in_string = escaped || it != '"';
            escaped = !escaped && it == '\\';
            return Some((it, false));
        }
        in_string = it == '"';
        (!it.is_ascii_whitespace()).then_some((it, !in_string))
    });
    let mut next = chars.next();
    while let Some((it, is_syntax)) = next {
        next = chars.next();
        if !spread || !is_syntax {
            out.push(it);
            continue;
        }
        match it {
            '{' | '[' => {
                out.push(it);
                match next {
                    Some((closing @ ('}' | ']'), true)) => {
                        out.push(closing);
                        next = chars.next();
                    }
                    _ => {
                        depth += 1;
                        new_line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(it);
            }
            ',' => {
                out.push(it);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            it => out.push(it),
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_white_space_changes() {
        let json =
            "{\"b\\\"\\\\\": [1.0, {} ,[ ],\n{\"a , [\":12345678901234567890.10}], \"a\":null}";
        let shape = spread(json).unwrap();
        insta::assert_snapshot!(shape, @r#"
        {
          "b\"\\": [
            1.0,
            {},
            [],
            {
              "a , [": 12345678901234567890.10
            }
          ],
          "a": null
        }
        "#);
        assert_eq!(
            compact(&shape).unwrap(),
            "{\"b\\\"\\\\\":[1.0,{},[],{\"a , [\":12345678901234567890.10}],\"a\":null}"
        );
    }

    #[test]
    fn what_is_no_json_is_left_alone() {
        for text in ["", "[DONE]", "{", "hello", "{} {}"] {
            assert_eq!(spread(text), None, "{text}");
            assert_eq!(compact(text), None, "{text}");
        }
        // Spread out, a number is what it was.
        assert_eq!(spread(" 1 "), None);
        assert_eq!(compact(" 1 ").as_deref(), Some("1"));
    }
}
