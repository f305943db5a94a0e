use std::fmt;

use serde::{Deserialize, Serialize};

/// The id of an order: up to 64 letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub(crate) struct OrderId(String);

impl OrderId {
    const MAX_LEN: usize = 64;
}

impl TryFrom<String> for OrderId {
    type Error = &'static str;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (1..=Self::MAX_LEN).contains(&id.len()) && id.bytes().all(allowed) {
            Ok(Self(id))
        } else {
            Err("an order id is made of 1 to 64 letters, digits, `-` and `_`")
        }
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
