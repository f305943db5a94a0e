//! What a consumer tells of each message that it delivers.

use async_nats::{HeaderMap, Message};

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    /// Its number in the stream.
    pub(super) sequence: u64,
    /// How many the consumer has delivered with it.
    pub(super) count: u64,
    /// When it was stored, in nanoseconds.
    pub(super) nanos: u64,
    /// How many are behind it.
    pub(super) pending: u64,
}

impl Delivery {
    /// None if it is no message of the stream but a word of the server's.
    pub(super) fn of(message: &Message) -> Option<Self> {
        Self::parse(message.reply.as_deref()?)
    }

    /// It stands in the subject for the acknowledgement: `$JS.ACK`, in newer servers a domain and
    /// an account, the stream, the consumer, how often it was delivered, and the numbers.
    fn parse(reply: &str) -> Option<Self> {
        let tokens: Vec<_> = reply.strip_prefix("$JS.ACK.")?.split('.').collect();
        let numbers = if tokens.len() == 7 { 3 } else { 5 };
        let number = |at: usize| tokens.get(numbers + at)?.parse().ok();
        Some(Self {
            sequence: number(0)?,
            count: number(1)?,
            nanos: number(2)?,
            pending: number(3)?,
        })
    }
}

/// The number in a header.
pub(super) fn number(headers: Option<&HeaderMap>, name: &'static str) -> Option<u64> {
    headers?.get(name)?.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let delivery = Delivery {
            sequence: 3,
            count: 2,
            nanos: 1_795_327_560_041_919_683,
            pending: 18,
        };
        for reply in [
            "$JS.ACK.sse.21r71OUv.1.3.2.1795327560041919683.18",
            "$JS.ACK._.hash.sse.21r71OUv.1.3.2.1795327560041919683.18",
            "$JS.ACK._.hash.sse.21r71OUv.1.3.2.1795327560041919683.18.random",
        ] {
            assert_eq!(Delivery::parse(reply), Some(delivery), "{reply}");
        }
        assert_eq!(Delivery::parse("$JS.FC.sse.21r71OUv.x"), None);
        assert_eq!(Delivery::parse("$JS.ACK.sse"), None);
    }
}
