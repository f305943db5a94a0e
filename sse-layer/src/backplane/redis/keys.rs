//! The names of keys and channels, all of which stand in one hash slot.

use super::url::InvalidConfig;

/// Makes names that begin with `{prefix}:`.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// With its braces and its colon.
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Result<Self, InvalidConfig> {
        if prefix.is_empty() {
            return Err(InvalidConfig("the prefix is empty"));
        }
        if prefix.contains(['{', '}']) {
            return Err(InvalidConfig(
                "the prefix has braces, which are put around it anyway",
            ));
        }
        Ok(Self {
            prefix: format!("{{{prefix}}}:"),
        })
    }

    pub(super) fn clock(&self) -> String {
        format!("{}clock", self.prefix)
    }

    pub(super) fn stream(&self, topic: &str) -> String {
        format!("{}topic:{topic}", self.prefix)
    }

    /// The length keeps apart what would be one name: topic `a:b`, key `c` and topic `a`, key `b:c`.
    pub(super) fn publish_key(&self, topic: &str, key: &str) -> String {
        format!("{}key:{}:{topic}:{key}", self.prefix, topic.len())
    }

    pub(super) fn channel(&self, topic: &str) -> String {
        format!("{}live:{topic}", self.prefix)
    }

    /// The channel of one node, which nobody else has.
    pub(super) fn node_channel(&self, node: u64) -> String {
        format!("{}node:{node:016x}", self.prefix)
    }

    /// The topic whose channel it is.
    pub(super) fn topic_of<'a>(&self, channel: &'a str) -> Option<&'a str> {
        channel.strip_prefix(&self.prefix)?.strip_prefix("live:")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_have_one_hash_tag_whatever_the_topic() {
        let keys = Keys::new("my app").unwrap();
        let topic = "}{x}:y";
        for name in [
            keys.clock(),
            keys.stream(topic),
            keys.publish_key(topic, "k"),
            keys.channel(topic),
            keys.node_channel(1),
        ] {
            assert!(name.starts_with("{my app}:"), "{name}");
        }
        assert_eq!(keys.topic_of(&keys.channel(topic)), Some(topic));
        assert_eq!(keys.topic_of(&keys.stream(topic)), None);
        assert_ne!(keys.publish_key("a:b", "c"), keys.publish_key("a", "b:c"));
    }

    #[test]
    fn a_prefix_that_would_break_the_hash_tag_is_refused() {
        for prefix in ["", "{", "a}b", "{sse}"] {
            assert!(Keys::new(prefix).is_err(), "{prefix}");
        }
    }
}
