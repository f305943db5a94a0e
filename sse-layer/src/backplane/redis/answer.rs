//! What the scripts answer, and what comes on channels.

use bytes::Bytes;
use redis::Value;

use super::failure::unreadable;
use crate::backplane::{BackplaneError, Page, Place, Stored};

/// Where the published event stands.
pub(super) fn place(answer: &Value) -> Result<Place, BackplaneError> {
    let Value::Array(fields) = answer else {
        return Err(unreadable());
    };
    let (Some(epoch), Some(sequence)) = (fields.first(), fields.get(1)) else {
        return Err(unreadable());
    };
    Ok(Place {
        epoch: epoch_in(epoch)?,
        sequence: number_in(sequence)?,
    })
}

/// What was read.
pub(super) fn page(answer: Value) -> Result<Page, BackplaneError> {
    let Value::Array(fields) = answer else {
        return Err(unreadable());
    };
    let Ok([epoch, missing, has_more, Value::Array(events)]) = <[Value; 4]>::try_from(fields)
    else {
        return Err(unreadable());
    };
    let missing = match &missing {
        Value::BulkString(none) if none.is_empty() => None,
        missing => Some(number_in(missing)?),
    };
    let messages = events.into_iter().map(stored).collect::<Result<_, _>>()?;
    Ok(Page {
        epoch: epoch_in(&epoch)?,
        missing,
        messages,
        has_more: has_more == Value::Int(1),
    })
}

fn stored(event: Value) -> Result<Stored, BackplaneError> {
    let Value::Array(fields) = event else {
        return Err(unreadable());
    };
    let Ok([sequence, previous, Value::BulkString(frame)]) = <[Value; 3]>::try_from(fields) else {
        return Err(unreadable());
    };
    Ok(Stored {
        sequence: entry_in(&sequence)?,
        previous: number_in(&previous)?,
        frame: frame.into(),
    })
}

/// An entry's id: the number, and `-0`.
fn entry_in(value: &Value) -> Result<u64, BackplaneError> {
    let Value::BulkString(text) = value else {
        return Err(unreadable());
    };
    let text = text.strip_suffix(b"-0").ok_or_else(unreadable)?;
    number(text).ok_or_else(unreadable)
}

fn number_in(value: &Value) -> Result<u64, BackplaneError> {
    let Value::BulkString(text) = value else {
        return Err(unreadable());
    };
    number(text).ok_or_else(unreadable)
}

fn epoch_in(value: &Value) -> Result<u64, BackplaneError> {
    let Value::BulkString(text) = value else {
        return Err(unreadable());
    };
    epoch(text).ok_or_else(unreadable)
}

/// What came on a channel: `epoch sequence previous`, a line's end, and the event.
pub(super) fn message(payload: Vec<u8>) -> Option<(u64, Stored)> {
    let end = memchr::memchr(b'\n', &payload)?;
    let mut fields = payload[..end].split(|byte| *byte == b' ');
    let (epoch, sequence) = (epoch(fields.next()?)?, number(fields.next()?)?);
    let previous = number(fields.next()?)?;
    if fields.next().is_some() {
        return None;
    }
    let message = Stored {
        sequence,
        previous,
        frame: Bytes::from(payload).slice(end + 1..),
    };
    Some((epoch, message))
}

/// 16 hexadecimal digits.
fn epoch(text: &[u8]) -> Option<u64> {
    let is_one = text.len() == 16 && text.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(text).ok().filter(|_| is_one)?;
    u64::from_str_radix(text, 16).ok()
}

fn number(text: &[u8]) -> Option<u64> {
    let is_one = text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text)
        .ok()
        .filter(|_| is_one)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_a_line_and_the_event_behind_it() {
        let (epoch, message) = message(b"00000000000000ff 12 7\ndata: 1\n\n".to_vec()).unwrap();
        assert_eq!((epoch, message.sequence, message.previous), (255, 12, 7));
        assert_eq!(&*message.frame, b"data: 1\n\n");
    }

    #[test]
    fn what_is_no_message_is_none() {
        for payload in [
            "",
            "\n",
            "00000000000000ff 12 7",
            "ff 12 7\n",
            "00000000000000ff 12\n",
            "00000000000000ff 12 7 9\n",
            "00000000000000ff +12 7\n",
            "00000000000000ff  7\n",
            "+0000000000000ff 12 7\n",
            "00000000000000ff 12 99999999999999999999\n",
        ] {
            assert!(message(payload.into()).is_none(), "{payload}");
        }
    }
}
