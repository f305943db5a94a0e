//! HTTP/1.1 responses, taken apart as they come, without a buffer.

use super::Fault;

/// A head that is longer is none.
const LONGEST_HEAD: usize = 16 * 1024;

/// A line with a chunk's size that is longer is none.
const LONGEST_SIZE_LINE: u16 = 256;

/// One response on its way in.
///
/// Only a head that arrives in pieces is kept; of a body there is no more than a counter.
#[derive(Debug)]
pub struct Message(State);

/// What the next bytes were.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// The response's head, once.
    Head(Head),
    /// Some of the body.
    Data(&'a [u8]),
    /// The response is complete.
    End,
}

/// What a head says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// The content type without its parameters, in lower case.
    pub content_type: String,
}

impl Head {
    /// Whether it is an event stream.
    ///
    /// # Errors
    ///
    /// What it is instead.
    pub fn check(&self) -> Result<(), Fault> {
        if self.status != 200 {
            Err(Fault::Status(self.status))
        } else if self.content_type != "text/event-stream" {
            Err(Fault::ContentType(self.content_type.clone()))
        } else {
            Ok(())
        }
    }
}

#[derive(Debug)]
enum State {
    Head(Vec<u8>),
    Size { size: u64, read: u16, past: bool },
    Chunk(u64),
    AfterChunk,
    Trailer { empty: bool },
    Length(u64),
    UntilClose,
    Ending,
    Done,
}

impl Message {
    /// Nothing of it has come.
    pub const fn new() -> Self {
        Self(State::Head(Vec::new()))
    }

    /// The next part of what is in `bytes`, which is moved on; `None` when more is needed.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`].
    pub fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Part<'a>>, Fault> {
        loop {
            match &mut self.0 {
                State::Ending => {
                    self.0 = State::Done;
                    return Ok(Some(Part::End));
                }
                _ if bytes.is_empty() => return Ok(None),
                State::Done => return Err(Fault::Malformed("bytes after the response's end")),
                State::Head(partial) => {
                    let Some((head, state)) = read_head(partial, bytes)? else {
                        return Ok(None);
                    };
                    self.0 = state;
                    return Ok(Some(Part::Head(head)));
                }
                State::Size { size, read, past } => {
                    let byte = take_byte(bytes);
                    if byte == b'\n' {
                        if *read == 0 {
                            return Err(Fault::Malformed("a chunk without a size"));
                        }
                        self.0 = match *size {
                            0 => State::Trailer { empty: true },
                            size => State::Chunk(size),
                        };
                        continue;
                    }
                    *read += 1;
                    if *read > LONGEST_SIZE_LINE {
                        return Err(Fault::Malformed("a chunk's size without an end"));
                    }
                    let digit = char::from(byte).to_digit(16);
                    match digit {
                        Some(digit) if !*past => {
                            *size = size
                                .checked_mul(16)
                                .and_then(|size| size.checked_add(u64::from(digit)))
                                .ok_or(Fault::Malformed("a chunk's size that is too large"))?;
                        }
                        _ if *past => {}
                        _ if matches!(byte, b'\r' | b';' | b' ' | b'\t') && *read > 1 => {
                            *past = true;
                        }
                        _ => return Err(Fault::Malformed("a chunk's size that is no number")),
                    }
                }
                State::Chunk(left) => {
                    let data = take_up_to(bytes, *left);
                    *left -= data.len() as u64;
                    if *left == 0 {
                        self.0 = State::AfterChunk;
                    }
                    return Ok(Some(Part::Data(data)));
                }
                State::AfterChunk => match take_byte(bytes) {
                    b'\r' => {}
                    b'\n' => self.0 = State::SIZE,
                    _ => return Err(Fault::Malformed("a chunk that is longer than its size")),
                },
                State::Trailer { empty } => match take_byte(bytes) {
                    b'\n' if *empty => self.0 = State::Ending,
                    b'\n' => *empty = true,
                    b'\r' => {}
                    _ => *empty = false,
                },
                State::Length(left) => {
                    let data = take_up_to(bytes, *left);
                    *left -= data.len() as u64;
                    if *left == 0 {
                        self.0 = State::Ending;
                    }
                    return Ok(Some(Part::Data(data)));
                }
                State::UntilClose => return Ok(Some(Part::Data(std::mem::take(bytes)))),
            }
        }
    }

    /// Whether a close of the connection is this response's proper end.
    pub fn may_close(&self) -> bool {
        matches!(self.0, State::UntilClose | State::Ending | State::Done)
    }

    /// Whether all of it has come.
    pub fn is_done(&self) -> bool {
        matches!(self.0, State::Done)
    }
}

impl Default for Message {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    const SIZE: Self = Self::Size {
        size: 0,
        read: 0,
        past: false,
    };
}

fn read_head(partial: &mut Vec<u8>, bytes: &mut &[u8]) -> Result<Option<(Head, State)>, Fault> {
    let before = partial.len();
    let all: &[u8] = if before == 0 {
        bytes
    } else {
        partial.extend_from_slice(bytes);
        partial
    };
    match parse_head(all)? {
        Some((length, head, state)) => {
            *bytes = &bytes[length - before..];
            Ok(Some((head, state)))
        }
        None if all.len() > LONGEST_HEAD => Err(Fault::Malformed("a head without an end")),
        None => {
            if before == 0 {
                *partial = bytes.to_vec();
            }
            *bytes = &[];
            Ok(None)
        }
    }
}

fn parse_head(bytes: &[u8]) -> Result<Option<(usize, Head, State)>, Fault> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(Fault::Malformed("a head that is not of HTTP/1")),
    };
    let status = response.code.unwrap_or(0);
    let mut content_type = String::new();
    let mut state = State::UntilClose;
    for header in response.headers.iter() {
        let value = String::from_utf8_lossy(header.value);
        if header.name.eq_ignore_ascii_case("content-type") {
            let kind = value.split(';').next().unwrap_or("");
            content_type = kind.trim().to_ascii_lowercase();
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.trim().eq_ignore_ascii_case("chunked") {
                return Err(Fault::Malformed("a transfer encoding other than chunked"));
            }
            state = State::SIZE;
        } else if header.name.eq_ignore_ascii_case("content-length")
            && matches!(state, State::UntilClose)
        {
            state = match value.trim().parse() {
                Ok(0) => State::Ending,
                Ok(length) => State::Length(length),
                Err(_) => return Err(Fault::Malformed("a content length that is no number")),
            };
        }
    }
    if matches!(status, 204 | 304) {
        state = State::Ending;
    }
    let head = Head {
        status,
        content_type,
    };
    Ok(Some((length, head, state)))
}

fn take_byte(bytes: &mut &[u8]) -> u8 {
    match bytes.split_first() {
        Some((first, rest)) => {
            *bytes = rest;
            *first
        }
        None => 0,
    }
}

fn take_up_to<'a>(bytes: &mut &'a [u8], most: u64) -> &'a [u8] {
    let length = usize::try_from(most).map_or(bytes.len(), |most| most.min(bytes.len()));
    let (data, rest) = bytes.split_at(length);
    *bytes = rest;
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\n\
        Transfer-Encoding: chunked\r\n\r\n3\r\n:\n\n\r\n00D;name=value\r\ndata: hello\n\n\r\n0\r\n\
        trailer: x\r\n\r\n";

    /// What a client sees of `pieces` that come one after the other.
    fn read(pieces: &[&[u8]]) -> Result<(Option<Head>, Vec<u8>, bool), Fault> {
        let mut message = Message::new();
        let (mut head, mut body, mut ended) = (None, Vec::new(), false);
        for piece in pieces {
            let mut bytes = *piece;
            while let Some(part) = message.next(&mut bytes)? {
                match part {
                    Part::Head(seen) => head = Some(seen),
                    Part::Data(data) => body.extend_from_slice(data),
                    Part::End => ended = true,
                }
            }
            assert!(bytes.is_empty());
        }
        assert_eq!(message.is_done(), ended);
        Ok((head, body, ended))
    }

    fn event_stream() -> Option<Head> {
        Some(Head {
            status: 200,
            content_type: "text/event-stream".to_owned(),
        })
    }

    #[test]
    fn a_chunked_response_is_the_same_however_it_is_split() {
        for first in 0..=CHUNKED.len() {
            for second in first..=CHUNKED.len() {
                let pieces = [
                    &CHUNKED[..first],
                    &CHUNKED[first..second],
                    &CHUNKED[second..],
                ];
                let (head, body, ended) = read(&pieces).unwrap();
                assert_eq!(head, event_stream(), "split at {first} and {second}");
                assert_eq!(body, b":\n\ndata: hello\n\n");
                assert!(ended);
            }
        }
    }

    #[test]
    fn a_chunked_response_that_comes_byte_by_byte_is_the_same() {
        let bytes: Vec<&[u8]> = CHUNKED.chunks(1).collect();
        let (head, body, ended) = read(&bytes).unwrap();
        assert_eq!((head, ended), (event_stream(), true));
        assert_eq!(body, b":\n\ndata: hello\n\n");
    }

    #[test]
    fn cut_off_at_any_byte_it_is_not_complete() {
        for end in 0..CHUNKED.len() {
            let mut message = Message::new();
            let mut bytes = &CHUNKED[..end];
            while message.next(&mut bytes).unwrap().is_some() {}
            assert!(!message.may_close(), "cut off at {end}");
        }
    }

    #[test]
    fn a_body_goes_to_its_length_or_to_the_close() {
        let length = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
        let (head, body, ended) = read(&[length]).unwrap();
        assert_eq!(head.unwrap().content_type, "");
        assert_eq!((body.as_slice(), ended), (b"hi".as_slice(), true));

        let mut message = Message::new();
        let mut bytes: &[u8] = b"HTTP/1.0 200 OK\r\n\r\nhi";
        assert!(matches!(message.next(&mut bytes), Ok(Some(Part::Head(_)))));
        assert_eq!(message.next(&mut bytes).unwrap(), Some(Part::Data(b"hi")));
        assert!(message.may_close() && !message.is_done());
    }

    #[test]
    fn an_answer_without_a_body_is_complete_with_its_head() {
        for head in [
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        ] {
            let (_, body, ended) = read(&[head.as_bytes()]).unwrap();
            assert_eq!((body.len(), ended), (0, true), "{head}");
        }
    }

    #[test]
    fn what_is_malformed_is_said() {
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        for (response, said) in [
            ("SMTP ready\r\n\r\n".to_owned(), "not of HTTP/1"),
            (format!("{chunked}\r\n"), "no number"),
            (format!("{chunked}\n"), "without a size"),
            (format!("{chunked}xyz\r\n"), "no number"),
            (format!("{chunked}1\r\nabc"), "longer than its size"),
            (format!("{chunked}fffffffffffffffff\r\n"), "too large"),
            (
                format!("{chunked}0\r\n\r\nmore"),
                "after the response's end",
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n".to_owned(),
                "other than chunked",
            ),
        ] {
            let fault = read(&[response.as_bytes()]).unwrap_err().to_string();
            assert!(fault.contains(said), "{response:?}: {fault}");
        }
    }

    #[test]
    fn a_head_tells_what_it_is_instead_of_an_event_stream() {
        let head = |status, kind: &str| Head {
            status,
            content_type: kind.to_owned(),
        };
        assert!(head(200, "text/event-stream").check().is_ok());
        let status = head(500, "text/event-stream").check().unwrap_err();
        assert!(status.to_string().contains("status 500"));
        let kind = head(200, "text/html").check().unwrap_err();
        assert!(kind.to_string().contains("text/html"));
    }
}
