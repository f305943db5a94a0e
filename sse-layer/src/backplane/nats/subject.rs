//! How a topic's name becomes one token of a subject, and a publish key a message id.
//!
//! A subject is made of tokens with dots between them, in which `*` and `>` are wildcards and blanks
//! can't be. A topic is any text. So each byte but letters, digits, `-` and `_` is written as `%`
//! and two hexadecimal digits.

use std::fmt::Write as _;

/// What a subject may be long. The server takes lines of 4,096 bytes (`max_control_line`), which
/// hold a subject, the subject for the answer and two lengths.
const LONGEST: usize = 3_500;

/// The subjects of one prefix.
#[derive(Clone, Debug)]
pub(super) struct Subjects {
    prefix: String,
    node: String,
}

impl Subjects {
    /// The prefix is checked before: letters, digits, `-` and `_`.
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            node: format!("{:016x}", fastrand::u64(..)),
        }
    }

    /// The stream's name.
    pub(super) fn stream(&self) -> &str {
        &self.prefix
    }

    /// What the stream takes.
    pub(super) fn all_in(&self) -> String {
        format!("{}.in.>", self.prefix)
    }

    /// Where the stream sends it on to.
    pub(super) fn all_out(&self) -> String {
        format!("{}.out.>", self.prefix)
    }

    /// Where a topic is published, or `None` if its name is too long.
    pub(super) fn publish(&self, topic: &str) -> Option<String> {
        self.topic("in", topic)
    }

    /// Where a topic's events come out, or `None` if its name is too long.
    pub(super) fn listen(&self, topic: &str) -> Option<String> {
        self.topic("out", topic)
    }

    /// Where this node's markers are published. A topic is one token, this is two.
    pub(super) fn marker(&self) -> String {
        format!("{}.in._.{}", self.prefix, self.node)
    }

    /// Where the server tells what becomes of the stream.
    pub(super) fn advisories(&self) -> String {
        format!("$JS.EVENT.ADVISORY.STREAM.*.{}", self.prefix)
    }

    fn topic(&self, side: &str, topic: &str) -> Option<String> {
        let mut subject = format!("{}.{side}.", self.prefix);
        escape_into(&mut subject, topic);
        (subject.len() <= LONGEST).then_some(subject)
    }
}

/// The id by which the stream knows a message that is published again. The stream knows one set of
/// ids, a publish key is its topic's own: so the topic is in it.
pub(super) fn message_id(topic: &str, key: &str) -> String {
    let mut id = String::with_capacity(topic.len() + 1 + key.len());
    escape_into(&mut id, topic);
    id.push(':');
    escape_into(&mut id, key);
    id
}

/// Whether it can be a prefix: a stream's name and a token of a subject.
pub(super) fn is_prefix(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(is_plain)
}

/// The text behind percent-encoding, or `None` if it is none.
pub(super) fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

fn escape_into(to: &mut String, text: &str) {
    for byte in text.bytes() {
        if is_plain(byte) {
            to.push(char::from(byte));
        } else {
            let _ = write!(to, "%{byte:02X}");
        }
    }
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_topic_is_one_token() {
        let subjects = Subjects::new("sse");
        assert_eq!(subjects.publish("news").unwrap(), "sse.in.news");
        assert_eq!(
            subjects.listen("a.b *>{é}%").unwrap(),
            "sse.out.a%2Eb%20%2A%3E%7B%C3%A9%7D%25"
        );
    }

    #[test]
    fn a_subject_that_the_server_would_not_take_is_none() {
        let subjects = Subjects::new("sse");
        assert!(subjects.publish(&"a".repeat(3_000)).is_some());
        assert!(subjects.publish(&".".repeat(3_000)).is_none());
    }

    #[test]
    fn a_key_is_its_topics_own() {
        assert_ne!(message_id("a", "b:c"), message_id("a:b", "c"));
        assert_eq!(message_id("a", "line\r\nbreak"), "a:line%0D%0Abreak");
    }

    #[test]
    fn what_is_escaped_comes_back() {
        assert_eq!(unescape("p%40ss+w").as_deref(), Some("p@ss+w"));
        assert_eq!(unescape("%4"), None);
        assert_eq!(unescape("%+1"), None);
        assert_eq!(unescape("%FF"), None);
    }
}
