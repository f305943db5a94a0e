//! The time of a message, in what `google.protobuf` makes of it.

use jiff::Timestamp as Time;
use prost_types::Timestamp;
use serde::{Serialize as _, Serializer};

/// What a message carries.
pub(crate) fn of(time: Time) -> Timestamp {
    // Below zero, jiff counts the nanoseconds back and protobuf forth.
    let millis = time.as_millisecond();
    Timestamp {
        seconds: millis.div_euclid(1000),
        nanos: millis.rem_euclid(1000) as i32 * 1_000_000,
    }
}

/// As in protobuf's own JSON: RFC 3339, and null where there is none or no calendar has it.
pub(crate) fn to_json<S>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error>
where
    S: Serializer,
{
    time.and_then(|time| Time::new(time.seconds, time.nanos).ok())
        .serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_the_same_in_protobuf_and_in_json() {
        for time in ["2026-01-01T00:00:00.25Z", "1969-12-31T23:59:59.75Z"] {
            let message = of(time.parse().unwrap());
            assert!((0..1_000_000_000).contains(&message.nanos));
            let json = to_json(&Some(message), serde_json::value::Serializer).unwrap();
            assert_eq!(json, time);
        }
    }

    #[test]
    fn what_is_no_time_is_null() {
        let beyond = Timestamp {
            seconds: i64::MAX,
            nanos: 0,
        };
        for none in [None, Some(beyond)] {
            let json = to_json(&none, serde_json::value::Serializer).unwrap();
            assert!(json.is_null());
        }
    }
}
