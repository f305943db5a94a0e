//! Externally tagged enums: the variant is the event's name, what it holds is the data.

use serde::Serialize;
use serde_json::Value;

/// The name and the data that a value should be sent as.
pub(super) fn split<E: Serialize + ?Sized>(value: &E) -> Result<(String, Value), String> {
    let other = match serde_json::to_value(value) {
        Ok(Value::String(name)) => return Ok((name, Value::Null)),
        Ok(Value::Object(map)) if map.len() == 1 => match map.into_iter().next() {
            Some(entry) => return Ok(entry),
            None => Value::Null,
        },
        Ok(other) => other,
        Err(error) => return Err(format!("the expected value: {error}")),
    };
    Err(format!(
        "the expected value is not of an externally tagged enum: as JSON it is {other}"
    ))
}
