//! What comes from an engine, made into what goes to clients.

use crate::hub::{message::Draft, position::ID_LINE_MAX};

/// The event in a frame that somebody published, with room for its id.
///
/// Whoever can write to the engine can publish, by hand, too: what is no event must not get into
/// the streams of others. Only the end of the block may be left out, or be longer.
pub(in crate::hub) fn draft(frame: &[u8], max: usize) -> Result<Draft, &'static str> {
    if frame.len() > max {
        return Err("it is larger than an event may be");
    }
    let text = std::str::from_utf8(frame).map_err(|_| "it is not UTF-8")?;
    if text.contains(['\r', '\0']) {
        return Err("it has a CR or a NUL in it");
    }
    let lines = text.trim_end_matches('\n');
    if lines.is_empty() {
        return Err("there is nothing in it");
    }
    for line in lines.split('\n') {
        if line.is_empty() {
            return Err("it is more than one block");
        }
        if line == "id" || line.starts_with("id:") {
            return Err("it has an id of its own");
        }
    }
    let mut block = Vec::with_capacity(ID_LINE_MAX + lines.len() + 2);
    block.resize(ID_LINE_MAX, 0);
    block.extend_from_slice(lines.as_bytes());
    block.extend_from_slice(b"\n\n");
    Ok(Draft(block))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(frame: &str) -> Result<String, &'static str> {
        let draft = draft(frame.as_bytes(), 100)?;
        Ok(String::from_utf8(draft.0[ID_LINE_MAX..].to_vec()).unwrap())
    }

    #[test]
    fn an_event_is_taken_as_it_is_and_its_end_may_be_left_out() {
        for frame in ["data: a\n\n", "data: a\n", "data: a", "data: a\n\n\n"] {
            assert_eq!(event(frame).unwrap(), "data: a\n\n");
        }
        let all = "event: e\nretry: 1\n: c\ndata: a\ndata:\nidea: id: b\n\n";
        assert_eq!(event(all).unwrap(), all);
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for frame in [
            "",
            "\n",
            "\n\n",
            "\n\n\n",
            "data: a\n\ndata: b\n\n",
            "\ndata: a\n\n",
            "id: 1\ndata: a\n\n",
            "data: a\nid\n\n",
            "data: a\r\n\r\n",
            "data: a\0\n\n",
        ] {
            assert!(event(frame).is_err(), "{frame:?}");
        }
        assert!(draft(b"data: \xff\n\n", 100).is_err());
        assert!(draft(b"data: 1234\n\n", 11).is_err());
        assert!(draft(b"data: 1234\n\n", 12).is_ok());
    }
}
