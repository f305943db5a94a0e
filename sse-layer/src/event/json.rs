use serde::Serialize;

use super::{Encoder, EventData};
use crate::error::EncodeError;

/// Data written as one line of JSON. [`Event::json`](crate::Event::json) makes an event of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T> From<T> for Json<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> EventData for Json<T>
where
    T: Serialize,
{
    #[inline]
    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError> {
        encoder.json(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{json, value::RawValue};

    use crate::Event;

    #[test]
    fn a_value_is_one_line_of_json() {
        let frame = Event::json(json!({"text": "a\nb\r\u{2028}"}))
            .to_frame()
            .unwrap();
        assert_eq!(
            frame.as_bytes(),
            "data: {\"text\":\"a\\nb\\r\u{2028}\"}\n\n".as_bytes()
        );
    }

    #[test]
    fn a_string_is_quoted_so_that_the_receiver_can_parse_it() {
        let frame = Event::json("hello").to_frame().unwrap();
        assert_eq!(frame.as_bytes(), b"data: \"hello\"\n\n");
    }

    #[test]
    fn raw_json_of_several_lines_cannot_start_a_field() {
        let raw = RawValue::from_string("{\n \"a\":\r\n1\r}".into()).unwrap();
        let frame = Event::json(raw).to_frame().unwrap();
        assert_eq!(frame.as_bytes(), b"data: {  \"a\":  1 }\n\n");
    }

    #[test]
    fn a_value_without_a_form_in_json_is_an_error_that_says_so() {
        let map = BTreeMap::from([(vec![1_u8], 1)]);
        let error = Event::json(map).to_frame().unwrap_err();
        assert!(
            error.to_string().contains("key must be a string"),
            "{error}"
        );
    }
}
